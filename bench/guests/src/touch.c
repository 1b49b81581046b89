/* touch [MIB]: fresh anonymous memory, one byte written on every page, then read back; page faults. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1024) << 20, sum = 0;
  unsigned char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  for (size_t i = 0; i < bytes; i += 4096) p[i] = (unsigned char)(i >> 12);
  for (size_t i = 0; i < bytes; i += 4096) sum += p[i];
  printf("touch %zu %zu\n", bytes >> 20, sum);
  return 0;
}
