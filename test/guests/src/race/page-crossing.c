/* Eight bytes across a page boundary; the other thread reads one behind it. */
#include "race.h"
#include <sys/mman.h>

static char *pages;
static volatile char seen;

static void *one(void *arg) {
  __asm__ volatile("sd %0, 0(%1)" ::"r"(-1L), "r"(pages + 4093) : "memory");
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = pages[4092];
  seen = pages[4098];
  return arg;
}

int main(void) {
  pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return 2;
  unordered(one, two, NULL);
  puts("page-crossing: done");
}
