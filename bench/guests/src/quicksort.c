/* quicksort [COUNT]: own quicksort over 32-bit numbers; unpredictable branches and recursion. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void sort(uint32_t *a, long low, long high) {
  while (low < high) {
    uint32_t pivot = a[low + (high - low) / 2];
    long i = low - 1, j = high + 1;
    for (;;) {
      while (a[++i] < pivot) {
      }
      while (a[--j] > pivot) {
      }
      if (i >= j) break;
      uint32_t t = a[i];
      a[i] = a[j];
      a[j] = t;
    }
    if (j - low < high - j) {
      sort(a, low, j);
      low = j + 1;
    } else {
      sort(a, j + 1, high);
      high = j;
    }
  }
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 16000000;
  uint32_t *a = malloc(count * sizeof *a), seed = 1;
  for (long i = 0; i < count; i++) a[i] = seed = seed * 1664525 + 1013904223;
  sort(a, 0, count - 1);
  uint64_t sum = 0;
  int sorted = 1;
  for (long i = 0; i < count; i++) {
    sum += a[i] * (uint64_t)(i + 1);
    sorted &= i == 0 || a[i - 1] <= a[i];
  }
  printf("quicksort %ld %d %llu\n", count, sorted, (unsigned long long)sum);
  return !sorted;
}
