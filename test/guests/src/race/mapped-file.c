/* A word of a mapped file, and a word of anonymous memory. */
#include "race.h"
#include <sys/mman.h>

static int *file, *anonymous;

static void *one(void *arg) {
  file[3] = 1;
  anonymous[3] = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  file[3] = 2;
  anonymous[3] = 2;
  return arg;
}

int main(void) {
  char name[] = "/tmp/mapped-XXXXXX";
  int fd = mkstemp(name);
  if (fd < 0 || ftruncate(fd, 4096)) return 2;
  file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  anonymous = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file == MAP_FAILED || anonymous == MAP_FAILED) return 2;
  unordered(one, two, NULL);
  unlink(name);
  puts("mapped-file: done");
}
