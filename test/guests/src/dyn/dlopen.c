/* dlopen PLUGIN: loads it, finds a function and a variable, calls, and sees errors for what is not there. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  void *plugin = dlopen(argv[1], RTLD_NOW);
  if (!plugin) {
    printf("%s\n", dlerror());
    return 1;
  }
  int (*answer)(const char *) = (int (*)(const char *))dlsym(plugin, "plugin_answer");
  int *state = dlsym(plugin, "plugin_state");
  if (!answer || !state) return 1;
  int first = answer("capgrind"), second = answer("capgrind");
  printf("%d %d %d\n", first, second, *state);
  printf("absent: %s\n", dlsym(plugin, "plugin_nothing") ? "found" : "not found");
  printf("close: %d\n", dlclose(plugin));
  printf("again: %s\n", dlopen("./no-such-plugin.so", RTLD_NOW) ? "opened" : "refused");
  return 0;
}
