/* The dynamic linker's work: symbols of libc and libm, copy relocations (stdout), function pointers in data,
   qsort's call-back into the program. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int descending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

static double (*const functions[5])(double) = {sqrt, cbrt, floor, ceil, fabs};
static volatile double inputs[5] = {7.29, 27, 2.7, 3.2, -5};

int main(int argc, char **argv) {
  double x[5];
  for (int i = 0; i < 5; i++) x[i] = functions[i](inputs[i]);
  qsort(x, 5, sizeof *x, descending);
  fprintf(stdout, "%.4f %.4f %.4f %.4f %.4f\n", x[0], x[1], x[2], x[3], x[4]);
  printf("%d %d %s\n", argc, strlen(argv[0]) > 0, getenv("CG_NOTHING") ? "set" : "unset");
  return 0;
}
