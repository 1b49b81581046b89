/* malloc-churn [ROUNDS [THREADS]]: blocks of 1 byte to 300 KiB in random order, filled and verified; realloc,
   calloc and aligned_alloc in between. With threads each has blocks of its own and hands one on at the end. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 };
static long rounds = 2000;
static int failures;

struct block {
  unsigned char *at;
  size_t size;
  unsigned char mark;
};

static uint64_t next(uint64_t *s) { return (*s = *s * 6364136223846793005u + 1442695040888963407u) >> 33; }

static size_t pick(uint64_t *s) {
  static const size_t most[8] = {16, 32, 100, 500, 1500, 5000, 40000, 300000};
  return 1 + next(s) % most[next(s) % 8];
}

static int intact(const struct block *b, size_t upto) {
  for (size_t i = 0; i < upto; i += i < 64 ? 1 : 61)
    if (b->at[i] != b->mark) return 0;
  return b->at[upto - 1] == b->mark;
}

static void *churn(void *arg) {
  uint64_t s = (uint64_t)(intptr_t)arg * 977 + 1;
  struct block blocks[SLOTS] = {0};
  long bad = 0;
  for (long r = 0; r < rounds; r++) {
    struct block *b = &blocks[next(&s) % SLOTS];
    unsigned what = next(&s) % 8;
    if (b->at && what == 0) {
      size_t size = pick(&s), kept = size < b->size ? size : b->size;
      b->at = realloc(b->at, size);
      bad += !b->at || !intact(b, kept);
      b->size = size;
    } else if (b->at) {
      bad += !intact(b, b->size);
      free(b->at);
      b->at = NULL;
      continue;
    } else {
      b->size = pick(&s);
      if (what == 1) {
        b->at = calloc(1, b->size);
        for (size_t i = 0; i < b->size; i++) bad += b->at[i] != 0;
      } else if (what == 2) {
        b->size = (b->size + 255) & ~(size_t)255;
        b->at = aligned_alloc(256, b->size);
        bad += (uintptr_t)b->at % 256 != 0;
      } else {
        b->at = malloc(b->size);
        bad += (uintptr_t)b->at % 16 != 0;
      }
    }
    b->mark = (unsigned char)next(&s);
    memset(b->at, b->mark, b->size);
  }
  for (int i = 0; i < SLOTS; i++) {
    bad += blocks[i].at && !intact(&blocks[i], blocks[i].size);
    free(blocks[i].at);
  }
  if (bad) __atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
  return strdup("handed on"); /* freed by another thread */
}

int main(int argc, char **argv) {
  int threads = argc > 2 ? atoi(argv[2]) : 1;
  if (argc > 1) rounds = atol(argv[1]);
  pthread_t t[16];
  if (threads < 1 || threads > 16) return 2;
  for (int i = 1; i < threads; i++) pthread_create(&t[i], NULL, churn, (void *)(intptr_t)i);
  free(churn(NULL));
  for (int i = 1; i < threads; i++) {
    void *left;
    pthread_join(t[i], &left);
    failures += strcmp(left, "handed on") != 0;
    free(left);
  }
  printf("malloc-churn: %d of %d failed\n", failures, threads);
  return failures != 0;
}
