/* sha256 [KIB]: FIPS 180-4 over a pattern; rotations and additions in registers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t k[64], h[8];

static uint32_t right(uint32_t v, int n) { return v >> n | v << (32 - n); }

/* The constants are fractions of square and cube roots of primes; exact integer search finds them. */
static uint32_t root_fraction(unsigned prime, int power) {
  /* largest r with (r / 2^32)^power <= prime, by bisection in 128-bit arithmetic on r's 36 bits */
  uint64_t low = 0, high = (uint64_t)20 << 32;
  while (low + 1 < high) {
    uint64_t middle = low + (high - low) / 2;
    unsigned __int128 square = (unsigned __int128)middle * middle;
    int above;
    if (power == 2) {
      above = square > (unsigned __int128)prime << 64;
    } else { /* compare middle^3 with prime * 2^96: middle^2 / 2^64 * middle / 2^32, exact by splitting */
      uint64_t sq_high = (uint64_t)(square >> 64), sq_low = (uint64_t)square;
      unsigned __int128 carry = (unsigned __int128)sq_low * middle;
      unsigned __int128 top = (unsigned __int128)sq_high * middle + (uint64_t)(carry >> 64);
      above = top > (unsigned __int128)prime << 32 || (top == (unsigned __int128)prime << 32 && (uint64_t)carry != 0);
    }
    if (above) high = middle;
    else low = middle;
  }
  return (uint32_t)low;
}

static void constants(void) {
  int n = 0;
  for (unsigned p = 2; n < 64; p++) {
    int prime = 1;
    for (unsigned d = 2; d * d <= p; d++) prime &= p % d != 0;
    if (!prime) continue;
    if (n < 8) h[n] = root_fraction(p, 2);
    k[n++] = root_fraction(p, 3);
  }
}

static void block(const unsigned char *p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + (right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
           (right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10);
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t one = s[7] + (right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
    uint32_t two = (right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

int main(int argc, char **argv) {
  size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 0) : 36864) * 1024;
  constants();
  unsigned char b[64];
  for (size_t at = 0; at < bytes; at += 64) {
    for (int i = 0; i < 64; i++) b[i] = (unsigned char)((at >> 6) * 7 + i);
    block(b);
  }
  memset(b, 0, sizeof b);
  b[0] = 0x80;
  for (int i = 0; i < 8; i++) b[56 + i] = (unsigned char)(bytes * 8 >> (56 - 8 * i));
  block(b);
  printf("sha256 ");
  for (int i = 0; i < 8; i++) printf("%08x", h[i]);
  puts("");
  return 0;
}
