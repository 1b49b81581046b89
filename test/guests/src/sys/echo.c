/* echo ARG...: arguments, then the CG_ variables of the environment, one a line. */
#include "mini.h"

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)auxv;
  for (int i = 1; i < argc; i++) put("%d %s\n", i, argv[i]);
  for (; *envp; envp++)
    if ((*envp)[0] == 'C' && (*envp)[1] == 'G' && (*envp)[2] == '_') put("%s\n", *envp);
  return argv[argc] != NULL;
}
