/* lz [KIB [ROUNDS]]: a byte-oriented LZ77 with a hash of three bytes, compresses and expands again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = 1 << 14, WINDOW = 65535, MOST = 130 };

static uint32_t hash(const uint8_t *p) { return ((uint32_t)p[0] << 16 ^ (uint32_t)p[1] << 8 ^ p[2]) * 2654435761u >> 18; }

/* Output: 0..127 = that many + 1 literals follow; 128..255 = a match of (value - 125) bytes, two distance bytes. */
static size_t compress(const uint8_t *in, size_t n, uint8_t *out) {
  static uint32_t last[HASH];
  memset(last, 0, sizeof last);
  uint8_t *start = out;
  size_t at = 0, literal = 0;
  for (;;) {
    size_t best = 0, distance = 0;
    if (at + 3 <= n) {
      uint32_t h = hash(in + at), candidate = last[h];
      last[h] = (uint32_t)at + 1;
      if (candidate && at - (candidate - 1) <= WINDOW) {
        size_t from = candidate - 1;
        while (best < MOST && at + best < n && in[from + best] == in[at + best]) best++;
        distance = at - from;
      }
    }
    if (best >= 3 || at == n || at - literal == 128) {
      if (at > literal) {
        *out++ = (uint8_t)(at - literal - 1);
        memcpy(out, in + literal, at - literal);
        out += at - literal;
      }
      literal = at;
    }
    if (at == n) return (size_t)(out - start);
    if (best < 3) {
      at++;
      continue;
    }
    *out++ = (uint8_t)(best + 125);
    *out++ = (uint8_t)distance;
    *out++ = (uint8_t)(distance >> 8);
    at += best;
    literal = at;
  }
}

static size_t expand(const uint8_t *in, size_t n, uint8_t *out) {
  uint8_t *start = out;
  for (const uint8_t *end = in + n; in < end;) {
    size_t count = *in++;
    if (count < 128) {
      memcpy(out, in, count + 1);
      out += count + 1;
      in += count + 1;
    } else {
      const uint8_t *from = out - (in[0] | in[1] << 8);
      in += 2;
      for (count -= 125; count; count--) *out++ = *from++;
    }
  }
  return (size_t)(out - start);
}

int main(int argc, char **argv) {
  size_t n = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1024) * 1024;
  int rounds = argc > 2 ? atoi(argv[2]) : 250;
  uint8_t *text = malloc(n), *packed = malloc(n + n / 64 + 16), *again = malloc(n + MOST);
  uint32_t seed = 99;
  for (size_t i = 0; i < n;) { /* repeats of what was before, and noise */
    seed = seed * 1664525 + 1013904223;
    size_t length = 4 + (seed >> 24) % 28;
    if (i > 1000 && seed >> 16 & 3)
      for (size_t from = i - 1 - (seed >> 4) % 900; length && i < n; length--) text[i++] = text[from++];
    else
      for (; length && i < n; length--) text[i++] = (uint8_t)('a' + (seed >> (length & 15)) % 26);
  }
  size_t size = 0;
  uint64_t sum = 0;
  for (int r = 0; r < rounds; r++) {
    text[r % n] ^= (uint8_t)r;
    size = compress(text, n, packed);
    if (expand(packed, size, again) != n || memcmp(text, again, n)) return 1;
    for (size_t i = 0; i < size; i += 31) sum = sum * 31 + packed[i];
  }
  printf("lz %zu %zu %llu\n", n, size, (unsigned long long)sum);
  return 0;
}
