/* matmul [N]: double matrix product, plain triple loop in i-k-j order. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 500;
  double *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b), *c = calloc(n * n, sizeof *c);
  for (size_t i = 0; i < n * n; i++) {
    a[i] = (double)(i % 17) - 8;
    b[i] = (double)(i % 13) * 0.5;
  }
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++) {
      double f = a[i * n + k];
      for (size_t j = 0; j < n; j++) c[i * n + j] += f * b[k * n + j];
    }
  double sum = 0; /* halves and integers: exact, so the order of operations does not show */
  for (size_t i = 0; i < n * n; i++) sum += c[i] * (double)(i % 7);
  printf("matmul %zu %.1f\n", n, sum);
  return 0;
}
