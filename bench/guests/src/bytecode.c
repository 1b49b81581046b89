/* bytecode [ROUNDS]: an interpreter with a switch of 24 operations running three programs (Collatz lengths, primes
   by division, bubble sort); indirect jumps. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, DIV, MOD, AND, XOR, SHL, SHR, LESS, SAME, NOT, JUMP, ZERO, GET, PUT, DUP, DROP, CALL, RETURN, HALT };

static int64_t memory[1024];
static uint64_t executed;

static int64_t run(const int16_t *code) {
  int64_t stack[64], local[16] = {0};
  const int16_t *calls[32], *p = code;
  int64_t *s = stack;
  int depth = 0;
  for (;; executed++) {
    switch (*p++) {
      case PUSH: *s++ = *p++; break;
      case LOAD: *s++ = local[*p++]; break;
      case STORE: local[*p++] = *--s; break;
      case ADD: s--, s[-1] += *s; break;
      case SUB: s--, s[-1] -= *s; break;
      case MUL: s--, s[-1] *= *s; break;
      case DIV: s--, s[-1] /= *s; break;
      case MOD: s--, s[-1] %= *s; break;
      case AND: s--, s[-1] &= *s; break;
      case XOR: s--, s[-1] ^= *s; break;
      case SHL: s--, s[-1] = (int64_t)((uint64_t)s[-1] << (*s & 63)); break;
      case SHR: s--, s[-1] = (int64_t)((uint64_t)s[-1] >> (*s & 63)); break;
      case LESS: s--, s[-1] = s[-1] < *s; break;
      case SAME: s--, s[-1] = s[-1] == *s; break;
      case NOT: s[-1] = !s[-1]; break;
      case JUMP: p = code + *p; break;
      case ZERO: p = *--s ? p + 1 : code + *p; break;
      case GET: s[-1] = memory[s[-1] & 1023]; break;
      case PUT: s -= 2, memory[s[1] & 1023] = *s; break; /* value, address */
      case DUP: *s = s[-1], s++; break;
      case DROP: s--; break;
      case CALL: calls[depth++] = p + 1, p = code + *p; break;
      case RETURN: p = calls[--depth]; break;
      default: return s[-1];
    }
  }
}

/* A small assembler: programs are put together at start, jumps by patching. */
static int16_t code[3][256];
static int16_t *out;
static int at;

static void op(int o) { out[at++] = (int16_t)o; }
static void op1(int o, int argument) { op(o), op(argument); }
/* Leaves the test of a loop or condition open; close() lets it jump to here. */
static int open_test(void) { return op1(ZERO, 0), at - 1; }
static void close_test(int hole) { out[hole] = (int16_t)at; }
static void step(int local) { op1(LOAD, local), op1(PUSH, 1), op(ADD), op1(STORE, local); }

/* Sum of the Collatz lengths of 1..299; the odd and even steps are subroutines. */
static void collatz(void) {
  op1(JUMP, 0);
  int odd = at;
  op1(LOAD, 1), op1(PUSH, 3), op(MUL), op1(PUSH, 1), op(ADD), op1(STORE, 1), op(RETURN);
  int even = at;
  op1(LOAD, 1), op1(PUSH, 1), op(SHR), op1(STORE, 1), op(RETURN);
  out[1] = (int16_t)at;
  op1(PUSH, 1), op1(STORE, 0);
  int outer = at;
  op1(LOAD, 0), op1(PUSH, 300), op(LESS);
  int done = open_test();
  op1(LOAD, 0), op1(STORE, 1);
  int inner = at;
  op1(LOAD, 1), op1(PUSH, 1), op(SAME), op(NOT);
  int arrived = open_test();
  step(2);
  op1(LOAD, 1), op1(PUSH, 1), op(AND);
  int is_even = open_test();
  op1(CALL, odd), op1(JUMP, inner);
  close_test(is_even);
  op1(CALL, even), op1(JUMP, inner);
  close_test(arrived);
  step(0), op1(JUMP, outer);
  close_test(done);
  op1(LOAD, 2), op(HALT);
}

/* How many primes lie below 1000, by trial division. */
static void primes(void) {
  op1(PUSH, 2), op1(STORE, 0);
  int outer = at;
  op1(LOAD, 0), op1(PUSH, 1000), op(LESS);
  int done = open_test();
  op1(PUSH, 2), op1(STORE, 1);
  int inner = at;
  op1(LOAD, 0), op1(LOAD, 1), op(DUP), op(MUL), op(LESS), op(NOT); /* d * d <= n */
  int prime = open_test();
  op1(LOAD, 0), op1(LOAD, 1), op(MOD);
  int divisible = open_test();
  step(1), op1(JUMP, inner);
  close_test(prime);
  step(2);
  close_test(divisible);
  step(0), op1(JUMP, outer);
  close_test(done);
  op1(LOAD, 2), op(HALT);
}

/* Bubble sort of 64 cells, then a position-weighted sum. */
static void bubble(void) {
  op1(PUSH, 0), op1(STORE, 0);
  int fill = at;
  op1(LOAD, 0), op1(PUSH, 64), op(LESS);
  int filled = open_test();
  op1(LOAD, 0), op1(PUSH, 37), op(MUL), op1(PUSH, 11), op(ADD), op1(PUSH, 101), op(MOD), op1(LOAD, 0), op(PUT);
  step(0), op1(JUMP, fill);
  close_test(filled);
  op1(PUSH, 64), op1(STORE, 1);
  int outer = at;
  op1(LOAD, 1);
  int done = open_test();
  op1(PUSH, 0), op1(STORE, 0);
  int inner = at;
  op1(LOAD, 0), op1(PUSH, 63), op(LESS);
  int pass = open_test();
  op1(LOAD, 0), op1(PUSH, 1), op(ADD), op(GET), op1(STORE, 3);
  op1(LOAD, 0), op(GET), op1(STORE, 4);
  op1(LOAD, 3), op1(LOAD, 4), op(LESS);
  int in_order = open_test();
  op1(LOAD, 3), op1(LOAD, 0), op(PUT);
  op1(LOAD, 4), op1(LOAD, 0), op1(PUSH, 1), op(ADD), op(PUT);
  close_test(in_order);
  step(0), op1(JUMP, inner);
  close_test(pass);
  op1(LOAD, 1), op1(PUSH, 1), op(SUB), op1(STORE, 1), op1(JUMP, outer);
  close_test(done);
  op1(PUSH, 0), op1(STORE, 0);
  int sum = at;
  op1(LOAD, 0), op1(PUSH, 64), op(LESS);
  int summed = open_test();
  op1(LOAD, 2), op1(LOAD, 0), op(GET), op1(LOAD, 0), op(MUL), op(ADD), op1(STORE, 2);
  step(0), op1(JUMP, sum);
  close_test(summed);
  op1(LOAD, 2), op(HALT);
}

static void (*const programs[3])(void) = {collatz, primes, bubble};

static uint64_t mix(uint64_t sum, int64_t v) { return (sum ^ (uint64_t)v) * 1099511628211u; }

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 300;
  uint64_t sum = 14695981039346656037u;
  for (int i = 0; i < 3; i++) {
    out = code[i];
    at = 0;
    programs[i]();
  }
  for (int r = 0; r < rounds; r++)
    for (int i = 0; i < 3; i++) sum = mix(sum, run(code[i]));
  printf("bytecode %d %llu %016llx\n", rounds, (unsigned long long)executed, (unsigned long long)sum);
  return run(code[1]) != 168;
}
