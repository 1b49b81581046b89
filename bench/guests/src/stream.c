/* stream [MIB [ROUNDS]]: memcpy, fill and triad over buffers larger than the caches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  size_t n = (argc > 1 ? strtoul(argv[1], NULL, 0) : 16) << 17, rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 40;
  double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
  for (size_t i = 0; i < n; i++) b[i] = (double)(i & 1023), c[i] = 1;
  for (size_t r = 0; r < rounds; r++) {
    for (size_t i = 0; i < n; i++) a[i] = b[i] + 0.5 * c[i];
    memcpy(c, a, n * sizeof *c);
    memset(a, (int)r, n * sizeof *a);
  }
  double sum = 0;
  for (size_t i = 0; i < n; i += 97) sum += c[i];
  printf("stream %zu %.6f %d\n", n, sum, *(unsigned char *)a);
  return 0;
}
