/* One thread waits in the kernel on a word until another has changed it: ordered by the futex alone. */
#include "hg.h"
#include <linux/futex.h>
#include <sys/syscall.h>

static int word;
static long value;

static void *work(void *arg) {
  value = 6;
  nap(100);
  __atomic_store_n(&word, 1, __ATOMIC_RELAXED);
  while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0) nap(5);
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL);
  MUST(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0);
  printf("raw-futex: %ld\n", value);
  end(t);
}
