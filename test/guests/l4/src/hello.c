/* Prints two lines and leaves: log (6.9) and parent (11.5). */
#include "l4.h"

int guest(int argc, char **argv) {
  put("Hello, %s\n", argc > 1 ? argv[1] : "world");
  put("from a task of its own\n");
  return 7;
}
