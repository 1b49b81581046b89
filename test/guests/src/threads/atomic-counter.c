/* Race-free: C11 atomics, which are AMOs on riscv64 (add), and an LR/SC loop (compare-exchange). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_long added, exchanged;

static void *worker(void *arg) {
  for (int i = 0; i < 1000; i++) {
    atomic_fetch_add(&added, 1);
    long seen = atomic_load(&exchanged);
    while (!atomic_compare_exchange_weak(&exchanged, &seen, seen + 2)) {
    }
  }
  return arg;
}

int main(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, worker, NULL);
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("atomic-counter: %ld added, %ld exchanged\n", atomic_load(&added), atomic_load(&exchanged));
  return !(added == 4000 && exchanged == 8000);
}
