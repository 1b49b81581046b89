/* The auxiliary vector as glibc sees it, and what glibc makes of it. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern void _start(void);

static int first(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  *(struct dl_phdr_info *)data = *info;
  return 1;
}

int main(int argc, char **argv) {
  struct dl_phdr_info main_object = {0};
  dl_iterate_phdr(first, &main_object);
  int wrong = 0;
#define CHECK(x) ((x) ? (void)0 : (void)(wrong++, printf("line %d: %s does not hold\n", __LINE__, #x)))
  CHECK(getauxval(AT_PAGESZ) == 4096 && sysconf(_SC_PAGESIZE) == 4096);
  CHECK((const void *)getauxval(AT_PHDR) == (const void *)main_object.dlpi_phdr);
  CHECK(getauxval(AT_PHNUM) == main_object.dlpi_phnum);
  CHECK((void (*)(void))getauxval(AT_ENTRY) == _start);
  CHECK(getauxval(AT_RANDOM) != 0);
  CHECK(getauxval(AT_HWCAP) & (1 << ('C' - 'A')));
  CHECK(getauxval(9999) == 0 && errno == ENOENT);
  CHECK(strlen((const char *)getauxval(AT_EXECFN)) > 0);
  CHECK((unsigned long)__builtin_frame_address(0) % 16 == 0);
  CHECK(getenv("CG_PRESENT") && !strcmp(getenv("CG_PRESENT"), "yes"));
  CHECK(getenv("CG_ABSENT") == NULL);
  CHECK(argc == 3 && !strcmp(argv[1], "one") && !strcmp(argv[2], "two words"));
  printf("auxv-glibc: %d wrong\n", wrong);
  return wrong != 0;
}
