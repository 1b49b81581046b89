/* What the requests answer. Without a tool each gives its default, and the first line says so. */
#include "annotate.h"
#include "hg.h"

int main(void) {
  unsigned long under = hg_request(0, 0x1001, 0, 0, 0);
  printf("under a tool: %lu\n", under);
  char *p = malloc(40);
  unsigned char bits[8];
  memset(bits, 7, sizeof bits);
  long cleaned = VALGRIND_HG_CLEAN_MEMORY_HEAPBLOCK(p);
  long middle = VALGRIND_HG_CLEAN_MEMORY_HEAPBLOCK(p + 8);
  long none = VALGRIND_HG_CLEAN_MEMORY_HEAPBLOCK(bits);
  printf("clean: %ld %ld %ld\n", cleaned, middle, none);
  long got = VALGRIND_HG_GET_ABITS(p, bits, 8);
  printf("bits: %ld %d\n", got, bits[0]);
  printf("errors: %lu\n", hg_request(99, 0x1201, 0, 0, 0));
  VALGRIND_HG_CLEAN_MEMORY(p, 40);
  ANNOTATE_UNIMPLEMENTED("ANNOTATE_PCQ_CREATE");
  free(p);
  printf("another tool's: %lu\n", hg_request(77, 0x4d430000, 0, 0, 0));
}
