/* hello: start and end of a process, nothing between. */
#include <stdio.h>

int main(void) {
  puts("hello, world");
  return 0;
}
