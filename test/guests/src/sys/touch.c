/* touch [ROUNDS] [MIB] [wait]: maps, touches and unmaps memory again and again; `wait` leaves time to look at it. */
#include "mini.h"

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u64 rounds = arg_number(argc, argv, 1, 2), bytes = arg_number(argc, argv, 2, 4) << 20;
  u64 stale = 0;
  section("fresh memory is zero");
  for (u64 i = 0; i < rounds; i++) {
    u8 *p = pages(bytes, PROT_READ | PROT_WRITE);
    for (u64 k = 0; k < bytes; k += PAGE) {
      stale += p[k];
      p[k] = 1;
    }
    EQUAL(sys(SYS_munmap, p, bytes), 0);
  }
  EQUAL(stale, 0);
  int code = finish();
  u64 time[2] = {600, 0};
  if (argc > 3) sys(SYS_nanosleep, time, NULL);
  return code;
}
