/* Whether SC notices that its word changed and changed back.
   aba alone: within one thread, what an SC must and must not accept.
   aba stores: between LR and SC of one thread another one stores B and then A again with plain stores.
   aba amo: the same with AMOs, and LR/SC pairs.
   An SC built from compare-and-swap succeeds wrongly here. The known answer is by the ISA: a store from another
   hart to the reserved bytes between LR and SC makes the SC fail. */
#include "mini.h"

static u64 word __attribute__((aligned(64)));
static u32 stage;
static u64 how;

static u64 sc_after(u64 *reserve, u64 *store) {
  u64 v, failed;
  asm volatile("lr.d %0, (%2)\nsc.d %1, %0, (%3)" : "=&r"(v), "=&r"(failed) : "r"(reserve), "r"(store) : "memory");
  return failed != 0;
}

static void *other(void *rounds) {
  for (u32 i = 0; i < (u32)(u64)rounds; i++) {
    wait_until(&stage, 2 * i + 1);
    if (how == 0) {
      *(volatile u64 *)&word = 200;
      *(volatile u64 *)&word = 100;
    } else if (how == 1) {
      *(volatile u8 *)&word = 201; /* a single byte of the reserved eight */
      *(volatile u8 *)&word = 100;
    } else if (how == 2) {
      asm volatile("amoadd.d x0, %1, (%0)\namoadd.d x0, %2, (%0)" ::"r"(&word), "r"(1L), "r"(-1L) : "memory");
    } else {
      u64 t, f;
      asm volatile("1: lr.d %0, (%2)\naddi %0, %0, 7\nsc.d %1, %0, (%2)\nbnez %1, 1b\n"
                   "2: lr.d %0, (%2)\naddi %0, %0, -7\nsc.d %1, %0, (%2)\nbnez %1, 2b"
                   : "=&r"(t), "=&r"(f) : "r"(&word) : "memory");
    }
    __atomic_store_n(&stage, 2 * i + 2, __ATOMIC_RELEASE);
  }
  return NULL;
}

static u32 wrong_successes(u32 rounds) {
  static struct thread t;
  u32 wrong = 0;
  stage = 0;
  word = 100;
  thread_start(&t, other, (void *)(u64)rounds);
  for (u32 i = 0; i < rounds; i++) {
    u64 failed, v, tmp;
    /* no store of ours between LR and SC but the one that starts the other thread, on another line */
    asm volatile(
        "lr.d %1, (%3)\n"
        "fence rw, rw\n"
        "sw %4, 0(%5)\n"
        "1: fence rw, rw\n"
        "lw %2, 0(%5)\n"
        "bne %2, %6, 1b\n"
        "fence rw, rw\n"
        "sc.d %0, %1, (%3)"
        : "=&r"(failed), "=&r"(v), "=&r"(tmp)
        : "r"(&word), "r"(2 * i + 1), "r"(&stage), "r"(2 * i + 2)
        : "memory");
    if (failed == 0) wrong++;
    EQUAL(v, 100);
    EQUAL(word, 100);
  }
  thread_join(&t);
  return wrong;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  const char *which = argc > 1 ? argv[1] : "alone";
  u32 rounds = (u32)arg_number(argc, argv, 2, 20);
  if (same(which, "alone")) {
    section("alone");
    u64 a = 1, failed, v;
    asm volatile("sc.d %0, %1, (%1)" : "=&r"(failed) : "r"(&a) : "memory");
    CHECK(failed != 0); /* no reservation */
    EQUAL(a, 1);
    int tries = 0;
    while (sc_after(&a, &a) && tries < 1000) tries++;
    CHECK(tries < 1000); /* a plain pair succeeds in the end */
    asm volatile("1: lr.d %0, (%2)\nsc.d %1, %0, (%2)\nbnez %1, 1b\nsc.d %1, %0, (%2)"
                 : "=&r"(v), "=&r"(failed) : "r"(&a) : "memory");
    CHECK(failed != 0); /* an SC uses the reservation up */
    static u64 far[1024] __attribute__((aligned(64)));
    CHECK(sc_after(&far[0], &far[512])); /* a kilobyte away: outside every reasonable reservation set */
    EQUAL(far[512], 0);
  } else if (same(which, "stores")) {
    section("plain stores");
    EQUAL(wrong_successes(rounds), 0);
    section("byte stores");
    how = 1;
    EQUAL(wrong_successes(rounds), 0);
  } else if (same(which, "amo")) {
    section("amo");
    how = 2;
    EQUAL(wrong_successes(rounds), 0);
    section("lr/sc");
    how = 3;
    EQUAL(wrong_successes(rounds), 0);
  } else {
    return 2;
  }
  return finish();
}
