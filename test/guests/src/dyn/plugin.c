/* The shared object that dlopen loads: data, a constructor, TLS of its own, a call back into libc. */
#include <stdio.h>

int plugin_state = 40;
static __thread int plugin_calls;

__attribute__((constructor)) static void loaded(void) { plugin_state += 2; }

int plugin_answer(const char *who) {
  printf("plugin says hello to %s\n", who);
  return plugin_state + plugin_calls++;
}
