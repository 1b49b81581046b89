/* What the helgrind guests share. Each one shows one bug or one correct idiom; see ../../helgrind.json. */
#ifndef HG_H
#define HG_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Ends with 2 and a line when something that the guest relies on is not so. */
#define MUST(what)                                                  \
  do {                                                              \
    if (!(what)) {                                                  \
      printf("%s:%d: not so: %s\n", __FILE_NAME__, __LINE__, #what); \
      exit(2);                                                      \
    }                                                               \
  } while (0)

static inline pthread_t begin(void *(*f)(void *), void *arg) {
  pthread_t t;
  MUST(pthread_create(&t, NULL, f, arg) == 0);
  return t;
}

static inline void end(pthread_t t) { MUST(pthread_join(t, NULL) == 0); }

/* ms from now on a clock. */
static inline struct timespec in(clockid_t clock, long ms) {
  struct timespec at;
  clock_gettime(clock, &at);
  at.tv_nsec += ms % 1000 * 1000000;
  at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  return at;
}

static inline void nap(long ms) { usleep(ms * 1000); }
#endif
