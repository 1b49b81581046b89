/* The work of rates.c as a program of Linux: rounds are the argument; with a second one it says how long it took. */
#include "mini.h"
#include "work.h"

static u64 micros_now(void) {
  u64 t[2];
  sys6(SYS_clock_gettime, 1, (long)t, 0, 0, 0, 0);
  return t[0] * 1000000 + t[1] / 1000;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u64 rounds = arg_number(argc, argv, 1, 2), start = micros_now(), hash = work(rounds);
  u64 took = micros_now() - start;
  if (argc > 2) put("work: %lu in %lu us\n", rounds, took);
  else put("work: %lx\n", hash);
  return 0;
}
