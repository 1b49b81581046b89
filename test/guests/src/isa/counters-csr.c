/* cycle, time and instret: readable, never backwards, moving. The kernel's clock agrees with time's direction. */
#include "mini.h"

static u64 work(void) {
  u64 v = 1;
  for (int i = 0; i < 10000; i++) {
    v = v * 3 + 1;
    asm volatile("" : "+r"(v));
  }
  return v;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  u64 c[2], t[2], i[2];
  section("counters");
  asm volatile("rdcycle %0\nrdtime %1\nrdinstret %2" : "=r"(c[0]), "=r"(t[0]), "=r"(i[0]));
  for (int n = 0; n < 20; n++) {
    work();
    asm volatile("rdcycle %0\nrdtime %1\nrdinstret %2" : "=r"(c[1]), "=r"(t[1]), "=r"(i[1]));
    CHECK(c[1] > c[0] && t[1] >= t[0] && i[1] > i[0]);
    c[0] = c[1], t[0] = t[1], i[0] = i[1];
  }
  section("time moves");
  sleep_ms(5);
  asm volatile("rdtime %0" : "=r"(t[1]));
  CHECK(t[1] > t[0]);
  struct timespec a, b;
  EQUAL(sys(SYS_clock_gettime, 1, &a), 0);
  sleep_ms(2);
  EQUAL(sys(SYS_clock_gettime, 1, &b), 0);
  CHECK((b.sec - a.sec) * 1000000000 + b.nsec - a.nsec >= 2000000);
  EQUAL(sys(SYS_clock_gettime, 99, &b), -EINVAL);
  return finish();
}
