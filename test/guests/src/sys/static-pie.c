/* A static PIE: loaded where the kernel likes, relocated by itself. Tables of pointers only hold after that. */
#include "mini.h"

extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

static u64 one(u64 v) { return v + 1; }
static u64 two(u64 v) { return v * 2; }
static u64 (*const volatile functions[])(u64) = {one, two, one};
static const char *const volatile names[] = {"zero", "one", "two"};
static u64 numbers[3] = {5, 6, 7};
static u64 *volatile pointer = &numbers[2];
static __thread u64 *volatile tls_pointer = &numbers[1];

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp;
  section("relocations");
  EQUAL(functions[2](functions[1](functions[0](4))), 11);
  CHECK(same(names[2], "two") && same(names[0], "zero"));
  EQUAL(*pointer, 7);
  EQUAL(*tls_pointer, 6);
  section("place");
  CHECK((u64)__ehdr_start % PAGE == 0 && (u64)__ehdr_start >= 0x10000);
  for (; auxv[0]; auxv += 2)
    if (auxv[0] == 3) EQUAL(auxv[1], (u64)__ehdr_start + 64); /* AT_PHDR is where the image is, not where it was linked */
  return finish();
}
