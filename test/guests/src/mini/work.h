/* Work without system calls, the same for every kind of guest: a sieve of 64 Ki numbers, then a hash over it. */
#ifndef WORK_H
#define WORK_H

#include "text.h"

static u8 sieve[65536];

static u64 work(u64 rounds) {
  u64 hash = 0;
  for (u64 r = 0; r < rounds; r++) {
    memset(sieve, 1, sizeof sieve);
    for (u64 p = 2; p * p < sizeof sieve; p++)
      if (sieve[p])
        for (u64 n = p * p; n < sizeof sieve; n += p) sieve[n] = 0;
    for (u64 n = 0; n < sizeof sieve; n++) hash = (hash ^ (sieve[n] + n)) * 0x100000001b3UL + r;
  }
  return hash;
}
#endif
