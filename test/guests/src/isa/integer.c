/* RV64I: every register and immediate operation on edge values against answers by hand, loads and stores of all
   widths, branches both ways, jumps. */
#include "mini.h"

#define RR(op, a, b, want) do { u64 r_; asm volatile(op " %0, %1, %2" : "=r"(r_) : "r"((u64)(a)), "r"((u64)(b))); equal_at(__LINE__, op, r_, (u64)(want)); } while (0)
#define RI(op, a, imm, want) do { u64 r_; asm volatile(op " %0, %1, " #imm : "=r"(r_) : "r"((u64)(a))); equal_at(__LINE__, op, r_, (u64)(want)); } while (0)
#define MAX 0x7fffffffffffffffUL
#define MIN 0x8000000000000000UL

static void arithmetic(void) {
  section("arithmetic");
  RR("add", MAX, 1, MIN);
  RR("add", -1, 1, 0);
  RR("sub", MIN, 1, MAX);
  RR("sub", 0, 1, -1);
  RR("addw", 0x7fffffff, 1, 0xffffffff80000000);
  RR("addw", 0x100000000, 5, 5);
  RR("subw", 0x80000000, 1, 0x7fffffff);
  RR("subw", 0, 0x80000000, 0xffffffff80000000);
  RI("addi", MAX, 2047, 0x80000000000007fe);
  RI("addi", 0, -2048, -2048);
  RI("addiw", 0x7fffffff, 1, 0xffffffff80000000);
  RI("addiw", 0xffffffff00000000, 0, 0);
}

static void logic(void) {
  section("logic");
  RR("and", 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0x0f000f000f000f00);
  RR("or", 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xfff0fff0fff0fff0);
  RR("xor", 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xf0f0f0f0f0f0f0f0);
  RI("andi", 0x123456789abcdeff, -16, 0x123456789abcdef0);
  RI("ori", 0x1000, -2048, 0xfffffffffffff800);
  RI("xori", 0x5555555555555555, -1, 0xaaaaaaaaaaaaaaaa);
  RR("slt", MIN, MAX, 1);
  RR("slt", MAX, MIN, 0);
  RR("sltu", MIN, MAX, 0);
  RR("sltu", 0, 1, 1);
  RR("slt", 5, 5, 0);
  RI("slti", -1, 0, 1);
  RI("sltiu", -2, -1, 1); /* the immediate is sign-extended, then unsigned */
  RI("sltiu", 0, 1, 1);
}

static void shifts(void) {
  section("shifts");
  RR("sll", 1, 63, MIN);
  RR("sll", 1, 64, 1); /* six bits of the amount count */
  RR("srl", MIN, 63, 1);
  RR("sra", MIN, 63, -1);
  RR("sra", MIN, 127, -1);
  RR("sllw", 1, 31, 0xffffffff80000000);
  RR("sllw", 1, 32, 1); /* five bits */
  RR("srlw", 0xffffffff80000000, 31, 1);
  RR("srlw", 0x80000000, 0, 0xffffffff80000000);
  RR("sraw", 0x80000000, 31, -1);
  RR("sraw", 0x7fffffff00000000, 4, 0);
  RI("slli", 3, 62, 0xc000000000000000);
  RI("srli", -1, 60, 15);
  RI("srai", 0x8000000000000000, 4, 0xf800000000000000);
  RI("slliw", 0xffff0001, 16, 0x10000);
  RI("srliw", 0xffffffffffffffff, 28, 15);
  RI("sraiw", 0x80000000, 28, -8);
}

static void memory(void) {
  section("memory");
  static u8 m[16] = {0x80, 0xff, 0x7f, 0x01, 0xfe, 0xdc, 0xba, 0x98};
#define LOAD(op, at, want) do { u64 r_; asm volatile(op " %0, " #at "(%1)" : "=r"(r_) : "r"(m + 8) : "memory"); equal_at(__LINE__, op, r_, (u64)(want)); } while (0)
  LOAD("lb", -8, -128);
  LOAD("lbu", -8, 128);
  LOAD("lb", -6, 127);
  LOAD("lh", -8, 0xffffffffffffff80);
  LOAD("lhu", -8, 0xff80);
  LOAD("lh", -6, 0x017f);
  LOAD("lw", -8, 0x017fff80);
  LOAD("lw", -4, 0xffffffff98badcfe);
  LOAD("lwu", -4, 0x98badcfe);
  LOAD("ld", -8, 0x98badcfe017fff80);
  u64 v = 0x1122334455667788;
  asm volatile("sb %0, 0(%1)\nsh %0, 2(%1)\nsw %0, 4(%1)" ::"r"(v), "r"(m + 8) : "memory");
  LOAD("ld", 0, 0x5566778877880088);
  asm volatile("sd %0, -8(%1)" ::"r"(v), "r"(m + 8) : "memory");
  LOAD("lbu", -1, 0x11);
}

static void control(void) {
  section("control");
#define TAKEN(op, a, b, want) do { u64 r_ = 1; asm volatile(op " %1, %2, 1f\nli %0, 0\n1:" : "+r"(r_) : "r"((u64)(a)), "r"((u64)(b))); equal_at(__LINE__, op, r_, want); } while (0)
  TAKEN("beq", 5, 5, 1);
  TAKEN("beq", 5, 1UL << 32 | 5, 0);
  TAKEN("bne", 5, 5, 0);
  TAKEN("bne", 0, MIN, 1);
  TAKEN("blt", -1, 0, 1);
  TAKEN("blt", 0, -1, 0);
  TAKEN("blt", 3, 3, 0);
  TAKEN("bge", 3, 3, 1);
  TAKEN("bge", MIN, MAX, 0);
  TAKEN("bltu", 0, -1, 1);
  TAKEN("bltu", -1, 0, 0);
  TAKEN("bgeu", -1, 0, 1);
  TAKEN("bgeu", 0, 0, 1);
  u64 a, b;
  asm volatile("1: auipc %0, 0\n2: auipc %1, 1\nsub %1, %1, %0" : "=&r"(a), "=&r"(b));
  EQUAL(b, 4096 + 4);
  asm volatile("lui %0, 0x80000" : "=r"(a));
  EQUAL(a, 0xffffffff80000000);
  asm volatile("jal t0, 1f\n2: li %0, 7\nj 3f\n1: addi t0, t0, 1\njalr t1, 0(t0)\n3:" : "=r"(a)::"t0", "t1"); /* bit 0 is dropped */
  EQUAL(a, 7);
  asm volatile("la t0, 1f\njalr t0, 0(t0)\n2: li %0, 1\nj 3f\n1: la t1, 2b\nsub %0, t0, t1\n3:" : "=r"(a)::"t0", "t1");
  EQUAL(a, 0); /* source and destination the same register: the old value is the target */
  asm volatile("li x0, 5\naddi x0, x0, 3\nlui x0, 7\nmv %0, x0" : "=r"(a));
  EQUAL(a, 0);
  u64 loops = 0;
  asm volatile("li t0, 1000\n1: addi %0, %0, 3\naddi t0, t0, -1\nbnez t0, 1b" : "+r"(loops)::"t0");
  EQUAL(loops, 3000);
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  arithmetic();
  logic();
  shifts();
  memory();
  control();
  return finish();
}
