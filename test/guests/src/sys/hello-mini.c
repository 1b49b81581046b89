#include "mini.h"

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argv, (void)envp, (void)auxv;
  put("hello from %d argument%s\n", argc - 1, argc == 2 ? "" : "s");
  return 0;
}
