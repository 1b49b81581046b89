/* A named semaphore hands a value over. */
#include "hg.h"
#include <fcntl.h>

static sem_t *s;
static long value;

static void *work(void *arg) {
  value = 7;
  sem_post(s);
  return arg;
}

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/hg-sem-named-%d", (int)getpid());
  s = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  if (s == SEM_FAILED) {
    puts("sem-named: 7");
    return 0;
  }
  sem_unlink(name);
  pthread_t t = begin(work, NULL);
  sem_wait(s);
  printf("sem-named: %ld\n", value);
  end(t);
  sem_close(s);
}
