/* nqueens [N]: solutions counted by bit masks; branches and shallow recursion. */
#include <stdio.h>
#include <stdlib.h>

static unsigned all;

static long place(unsigned columns, unsigned left, unsigned right) {
  if (columns == all) return 1;
  long found = 0;
  for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
    unsigned bit = free & -free;
    found += place(columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return found;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 15;
  all = (1u << n) - 1;
  printf("nqueens %d %ld\n", n, place(0, 0, 0));
  return 0;
}
