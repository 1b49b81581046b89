/* What the guests of this folder share. Each shows one race or one correct idiom; see ../../helgrind.json. */
#ifndef RACE_H
#define RACE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A gate orders two threads in time without ordering them for a race detector: a pipe is no synchronisation to it. */
typedef struct {
  int ends[2];
} gate;

static inline gate gate_made(void) {
  gate g;
  if (pipe(g.ends)) exit(2);
  return g;
}
static inline void gate_open(gate *g) {
  if (write(g->ends[1], "x", 1) != 1) exit(2);
}
static inline void gate_wait(gate *g) {
  char c;
  if (read(g->ends[0], &c, 1) != 1) exit(2);
}

static gate first;

static inline pthread_t begin(void *(*f)(void *), void *arg) {
  pthread_t t;
  if (pthread_create(&t, NULL, f, arg)) exit(2);
  return t;
}
static inline void end(pthread_t t) { pthread_join(t, NULL); }

/* Runs a, then b, in threads that know nothing of each other, and joins both. */
static inline void unordered(void *(*a)(void *), void *(*b)(void *), void *arg) {
  first = gate_made();
  pthread_t t = begin(a, arg), u = begin(b, arg);
  end(t);
  end(u);
}
#endif
