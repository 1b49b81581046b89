/* Race-free by a release store and acquire loads: plain data published behind a flag, back and forth. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ROUNDS = 200 };
static long data[4];
static atomic_int turn;

static void await(int value) {
  while (atomic_load_explicit(&turn, memory_order_acquire) != value) sched_yield();
}

static void *consumer(void *arg) {
  long *sum = arg;
  for (int round = 0; round < ROUNDS; round++) {
    await(2 * round + 1);
    for (int i = 0; i < 4; i++) *sum += data[i];
    atomic_store_explicit(&turn, 2 * round + 2, memory_order_release);
  }
  return NULL;
}

int main(void) {
  pthread_t t;
  long sum = 0;
  pthread_create(&t, NULL, consumer, &sum);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < 4; i++) data[i] = round;
    atomic_store_explicit(&turn, 2 * round + 1, memory_order_release);
    await(2 * round + 2);
  }
  pthread_join(t, NULL);
  /* 4 * (0 + 1 + ... + 199) */
  printf("rel-acq: %ld\n", sum);
  return sum != 79600;
}
