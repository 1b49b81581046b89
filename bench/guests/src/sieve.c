/* sieve [LIMIT [ROUNDS]]: byte sieve of Eratosthenes; strided stores and short loops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  size_t limit = argc > 1 ? strtoul(argv[1], NULL, 0) : 8000000, primes = 0, sum = 0;
  size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 60;
  unsigned char *composite = malloc(limit + 1);
  for (size_t r = 0; r < rounds; r++) {
    memset(composite, 0, limit + 1);
    for (size_t i = 2; i <= limit; i++) {
      if (composite[i]) continue;
      primes++;
      sum += i + r;
      for (size_t j = i * i; j <= limit; j += i) composite[j] = 1;
    }
  }
  printf("sieve %zu %zu %zu\n", limit, primes, sum);
  return 0;
}
