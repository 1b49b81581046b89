/* mandelbrot [SIDE]: escape counts; short double dependency chains and unpredictable loop ends. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int side = argc > 1 ? atoi(argv[1]) : 1200;
  unsigned long sum = 0;
  for (int row = 0; row < side; row++)
    for (int column = 0; column < side; column++) {
      double cr = 3.0 * column / side - 2.25, ci = 3.0 * row / side - 1.5, r = 0, i = 0;
      int n = 0;
      while (n < 200 && r * r + i * i <= 4) {
        double t = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = t;
        n++;
      }
      sum += (unsigned long)n;
    }
  printf("mandelbrot %d %lu\n", side, sum);
  return 0;
}
