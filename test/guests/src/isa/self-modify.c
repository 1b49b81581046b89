/* Code written at run time: fresh code, changed code after FENCE.I, code that patches itself, code on a page that
   was executed before it was replaced, and code published by another thread. */
#include "mini.h"

typedef u64 (*function)(u64);
enum { RWX = PROT_READ | PROT_WRITE | PROT_EXEC };

static void fence_i(void) { asm volatile("fence.i" ::: "memory"); }
static u32 addi(u32 rd, u32 rs, i32 imm) { return 0x13 | rd << 7 | rs << 15 | (u32)imm << 20; }
static const u32 ret = 0x00008067;

static u32 *shared_code;
static u32 published, answered;

static void *author(void *rounds) {
  for (u32 i = 1; i <= (u32)(u64)rounds; i++) {
    shared_code[0] = addi(10, 10, (i32)i);
    __atomic_store_n(&published, i, __ATOMIC_RELEASE);
    wait_until(&answered, i);
  }
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  volatile u32 *code = pages(2 * PAGE, RWX);
  function f = (function)(u64)code;

  section("fresh");
  code[0] = addi(10, 10, 5);
  code[1] = ret;
  fence_i();
  EQUAL(f(1), 6);

  section("changed");
  for (i32 i = 0; i < 100; i++) {
    code[0] = addi(10, 10, i);
    fence_i();
    EQUAL(f(1000), 1000 + i);
  }

  section("hot, then changed");
  u64 sum = 0;
  for (int i = 0; i < 5000; i++) sum = f(sum);
  EQUAL(sum, 5000 * 99);
  code[0] = addi(10, 10, 1);
  fence_i();
  for (int i = 0; i < 5000; i++) sum = f(sum);
  EQUAL(sum, 5000 * 99 + 5000);

  section("patches itself");
  /* sw a1, 12(a2); fence.i; nop; the word at +12 adds 1 and is replaced by the one that adds 2; ret */
  code[0] = 0x00b62623;
  code[1] = 0x0000100f;
  code[2] = addi(0, 0, 0);
  code[3] = addi(10, 10, 1);
  code[4] = ret;
  fence_i();
  u64 got;
  asm volatile("mv a1, %1\nmv a2, %2\nli a0, 10\njalr a2\nmv %0, a0"
               : "=r"(got) : "r"((u64)addi(10, 10, 2)), "r"(code) : "ra", "a0", "a1", "a2", "memory");
  EQUAL(got, 12);

  section("across a page");
  volatile u16 *half = (volatile u16 *)((u8 *)code + PAGE - 2);
  function g = (function)(u64)half;
  for (u32 i = 1; i < 4; i++) { /* the instruction lies on both pages */
    half[0] = (u16)addi(10, 10, (i32)(i << 4));
    half[1] = (u16)(addi(10, 10, (i32)(i << 4)) >> 16);
    half[2] = 0x8082; /* c.ret */
    fence_i();
    EQUAL(g(1), 1 + (i << 4));
  }

  section("replaced by mmap");
  sys(SYS_mmap, code, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  code[0] = addi(10, 10, 77);
  code[1] = ret;
  fence_i();
  EQUAL(f(0), 77);

  section("from another thread");
  static struct thread t;
  shared_code = (u32 *)(u64)code;
  EQUAL(thread_start(&t, author, (void *)50), 0);
  for (u32 i = 1; i <= 50; i++) {
    wait_until(&published, i);
    fence_i();
    EQUAL(f(i), 2 * i);
    __atomic_store_n(&answered, i, __ATOMIC_RELEASE);
  }
  thread_join(&t);
  return finish();
}
