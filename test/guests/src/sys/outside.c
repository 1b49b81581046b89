/* outside [FILE]: what reaches a program from outside besides its arguments; with a FILE, prints all of it: clocks, the
   cycle counter's time, chance, process id, standard input, the file's contents and whether it is there at the end. */
#include "mini.h"
enum { AT_FDCWD = -100, SYS_getrandom = 278, CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };
static void clock(const char *name, int id) {
  struct timespec t = {0, 0};
  EQUAL(sys(SYS_clock_gettime, id, &t), 0);
  put("%s %ld.%ld\n", name, t.sec, t.nsec);
}
static void contents(const char *name, int fd) {
  static char text[256];
  long n = sys(SYS_read, fd, text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  put("%s %ld %s\n", name, n, text);
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  if (argc > 1) {
    u64 chance = 0, time;
    clock("real", CLOCK_REALTIME);
    clock("monotonic", CLOCK_MONOTONIC);
    asm volatile("rdtime %0" : "=r"(time));
    put("time %lu\n", time);
    EQUAL(sys(SYS_getrandom, &chance, sizeof chance, 0), sizeof chance);
    put("chance %lx\n", chance);
    put("pid %ld\n", sys(SYS_getpid));
    contents("input", 0);
    long fd = sys(SYS_openat, AT_FDCWD, argv[1], 0, 0);
    if (fd >= 0) contents("file", (int)fd);
    else put("file %ld\n", fd);
    clock("monotonic", CLOCK_MONOTONIC);
  }
  section("outside");
  return finish();
}
