/* fib [N]: naive recursion; nothing but calls and returns. */
#include <stdio.h>
#include <stdlib.h>

static long __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) fib(long n) {
  if (n < 2) return n;
  long a = fib(n - 1);
  return a + fib(n - 2);
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 40;
  printf("fib %ld %ld\n", n, fib(n));
  return 0;
}
