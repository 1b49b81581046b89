/* exit-code N: leaves with N (the kernel keeps the low 8 bits), by exit_group or, with a second argument, by exit. */
#include "mini.h"

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  sys(argc > 2 ? SYS_exit : SYS_exit_group, arg_number(argc, argv, 1, 0));
  return 77;
}
