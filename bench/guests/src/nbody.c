/* nbody [STEPS]: five bodies, softened gravity; division and square root in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5 };
static double x[N][3], v[N][3], m[N];

static double energy(void) {
  double e = 0;
  for (int i = 0; i < N; i++) {
    e += 0.5 * m[i] * (v[i][0] * v[i][0] + v[i][1] * v[i][1] + v[i][2] * v[i][2]);
    for (int j = i + 1; j < N; j++) {
      double d2 = 0.01;
      for (int k = 0; k < 3; k++) d2 += (x[i][k] - x[j][k]) * (x[i][k] - x[j][k]);
      e -= m[i] * m[j] / sqrt(d2);
    }
  }
  return e;
}

int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 700000;
  for (int i = 0; i < N; i++) {
    m[i] = i ? 0.001 * i : 1;
    x[i][0] = i * 1.5;
    x[i][1] = i % 2 ? 0.1 * i : -0.1 * i;
    v[i][1] = i ? 1 / sqrt(i * 1.5) : 0;
    v[i][2] = 0.01 * i;
  }
  for (long s = 0; s < steps; s++) {
    for (int i = 0; i < N; i++)
      for (int j = i + 1; j < N; j++) {
        double d[3], d2 = 0.01;
        for (int k = 0; k < 3; k++) d[k] = x[i][k] - x[j][k], d2 += d[k] * d[k];
        double pull = 0.001 / (d2 * sqrt(d2));
        for (int k = 0; k < 3; k++) v[i][k] -= d[k] * m[j] * pull, v[j][k] += d[k] * m[i] * pull;
      }
    for (int i = 0; i < N; i++)
      for (int k = 0; k < 3; k++) x[i][k] += 0.001 * v[i][k];
  }
  printf("nbody %ld %.6f %.9f %.9f\n", steps, energy(), x[1][0], x[4][1]);
  return 0;
}
