/* RV64C: each compressed form by its assembler name, in the registers it can reach, with extreme immediates. */
#include "mini.h"

#define RVC(text) ".option push\n.option rvc\n" text "\n.option pop\n"

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  u64 r, s;
  section("constants");
  asm volatile(RVC("c.li %0, -32") : "=r"(r));
  EQUAL(r, -32);
  asm volatile(RVC("c.li %0, 31") : "=r"(r));
  EQUAL(r, 31);
  asm volatile(RVC("c.lui %0, 0xfffe0") : "=r"(r));
  EQUAL(r, 0xfffffffffffe0000);
  asm volatile(RVC("c.lui %0, 31") : "=r"(r));
  EQUAL(r, 0x1f000);

  section("arithmetic");
/* a0 and a1 are set inside the statement: register variables do not survive the calls between two checks */
#define CC(op, x, y, want) do { asm volatile(RVC("mv a0, %1\nmv a1, %2\n" op " a0, a1\nmv %0, a0") : "=r"(r) : "r"((u64)(x)), "r"((u64)(y)) : "a0", "a1"); equal_at(__LINE__, op, r, (u64)(want)); } while (0)
#define CI(op, x, imm, want) do { asm volatile(RVC("mv a0, %1\n" op " a0, " #imm "\nmv %0, a0") : "=r"(r) : "r"((u64)(x)) : "a0"); equal_at(__LINE__, op, r, (u64)(want)); } while (0)
  CC("c.add", 5, -7, -2);
  CC("c.mv", 1, 99, 99);
  CC("c.sub", 5, 7, -2);
  CC("c.and", 12, 10, 8);
  CC("c.or", 12, 10, 14);
  CC("c.xor", 12, 10, 6);
  CC("c.addw", 0x7fffffff, 1, 0xffffffff80000000);
  CC("c.subw", 0x80000000, 1, 0x7fffffff);
  CI("c.addi", 0, -32, -32);
  CI("c.addi", 1, 31, 32);
  CI("c.addiw", 0x7fffffff, 1, 0xffffffff80000000);
  CI("c.addiw", 0x1ffffffff, 0, -1);
  CI("c.andi", 0xff, -16, 0xf0);
  CI("c.slli", 1, 63, 0x8000000000000000);
  CI("c.srli", -1, 63, 1);
  CI("c.srai", 0x8000000000000000, 63, -1);
  CI("c.srli", 0x100, 1, 0x80);

  section("stack pointer");
  asm volatile(RVC("mv t0, sp\nc.addi16sp sp, -512\nmv t1, sp\nc.addi16sp sp, 496\nc.addi16sp sp, 16\nsub %0, t0, t1\nsub %1, sp, t0")
               : "=r"(r), "=r"(s)::"t0", "t1");
  EQUAL(r, 512);
  EQUAL(s, 0);
  asm volatile(RVC("c.addi4spn a0, sp, 1020\nsub %0, a0, sp") : "=r"(r)::"a0");
  EQUAL(r, 1020);
  asm volatile(RVC("c.addi16sp sp, -256\nli t0, -5\nc.sdsp t0, 248(sp)\nc.swsp t0, 128(sp)\nc.ldsp t1, 248(sp)\nc.lwsp t2, 128(sp)\n"
                   "c.addi16sp sp, 256\nmv %0, t1\nmv %1, t2") : "=r"(r), "=r"(s)::"t0", "t1", "t2", "memory");
  EQUAL(r, -5);
  EQUAL(s, -5);

  section("memory");
  static u64 m[32];
  asm volatile(RVC("mv a0, %1\nmv a1, %2\nc.sd a1, 248(a0)\nc.sw a1, 124(a0)\nli a1, 0\nc.ld a1, 248(a0)\nmv %0, a1")
               : "=r"(r) : "r"(m), "r"(0xfedcba9876543210) : "a0", "a1", "memory");
  EQUAL(r, 0xfedcba9876543210);
  EQUAL(m[31], 0xfedcba9876543210);
  EQUAL(m[15], 0x7654321000000000);
  m[0] = 0x80000000;
  asm volatile(RVC("mv a0, %1\nc.lw a1, 0(a0)\nmv %0, a1") : "=r"(r) : "r"(m) : "a0", "a1", "memory");
  EQUAL(r, 0xffffffff80000000);
  m[4] = 0x4009000000000000; /* 3.125 */
  asm volatile(RVC("mv a0, %0\nc.fld fa0, 32(a0)\nc.fsd fa0, 40(a0)\nc.addi16sp sp, -32\nc.fsdsp fa0, 8(sp)\nc.fldsp fa1, 8(sp)\n"
                   "c.addi16sp sp, 32\nc.fsd fa1, 48(a0)") ::"r"(m) : "a0", "fa0", "fa1", "memory");
  EQUAL(m[5], m[4]);
  EQUAL(m[6], m[4]);

  section("control");
  for (u64 v = 0; v < 2; v++) {
    asm volatile(RVC("mv a0, %1\nli %0, 1\nc.beqz a0, 1f\nli %0, 0\n1:") : "=&r"(r) : "r"(v) : "a0");
    EQUAL(r, !v);
    asm volatile(RVC("mv a0, %1\nli %0, 1\nc.bnez a0, 1f\nli %0, 0\n1:") : "=&r"(r) : "r"(v) : "a0");
    EQUAL(r, v);
  }
  asm volatile(RVC("li %0, 1\nc.j 1f\nli %0, 0\n1:") : "=&r"(r));
  EQUAL(r, 1);
  asm volatile(RVC("la t0, 1f\nc.jr t0\nli %0, 0\nj 2f\n1: li %0, 3\n2:") : "=&r"(r)::"t0");
  EQUAL(r, 3);
  asm volatile(RVC("la t0, 1f\nc.jalr t0\n3: li %0, 0\nj 2f\n1: la t1, 3b\nsub %0, ra, t1\n2:") : "=&r"(r)::"ra", "t0", "t1");
  EQUAL(r, 0); /* ra is the address after the two-byte call */
  asm volatile(RVC("li %0, 10\nc.nop\n1: c.addi %0, -1\nbnez %0, 1b") : "=&r"(r));
  EQUAL(r, 0);

  section("mixed lengths");
  /* a four-byte instruction at a two-byte address, over and over */
  asm volatile(RVC(".balign 4\nc.nop\n.option norvc\nli %0, 0\nli t0, 50\n1: addi %0, %0, 2\n.option rvc\nc.nop\n.option norvc\naddi t0, t0, -1\nbnez t0, 1b")
               : "=&r"(r)::"t0");
  EQUAL(r, 100);
  return finish();
}
