/* Valgrind client requests: no-ops on a plain machine, answered under a tool. */
#include "mini.h"

static u64 request(u64 otherwise, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e) {
  u64 arguments[6] = {number, a, b, c, d, e};
  register u64 result asm("a3") = otherwise;
  register u64 *at asm("a4") = arguments;
  asm volatile(
      ".option push\n.option norvc\n"
      "srli x0, x0, 3\nsrli x0, x0, 13\nsrli x0, x0, 51\nsrli x0, x0, 61\nor a0, a0, a0\n"
      ".option pop"
      : "+r"(result)
      : "r"(at)
      : "memory");
  return result;
}

static u64 print(const char *format, ...) {
  __builtin_va_list ap;
  __builtin_va_start(ap, format);
  u64 printed = request(0, 0x1403, (u64)format, (u64)&ap, 0, 0, 0);
  __builtin_va_end(ap);
  return printed;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u64 depth = request(0, 0x1001, 0, 0, 0, 0, 0);
  put("RUNNING_ON_VALGRIND %lu\n", depth);
  put("default of an unknown request: %lu\n", request(4711, 0x7f7f0001, 0, 0, 0, 0, 0));
  if (argc > 1 && same(argv[1], "print")) {
    u64 n = print("client says %s and %d\n", "hello", 42);
    put("printed %s\n", n ? "something" : "nothing");
    put("errors %lu\n", request(0, 0x1201, 0, 0, 0, 0, 0));
  }
  return 0;
}
