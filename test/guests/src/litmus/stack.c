/* stack [THREADS [ROUNDS]]: a lock-free stack by LR/SC without any counter, safe only when SC is exact.
   Every thread pops a node, checks that nobody else holds it, and pushes it back. Under ABA a node is held twice
   or the list loses nodes. The window between LR and SC reads the next pointer, with a short delay in it. */
#include "mini.h"

enum { MOST = 4, NODES = 6 };
static struct node { struct node *next; u32 held; } nodes[NODES] __attribute__((aligned(64)));
static struct node *top __attribute__((aligned(64)));
static u64 rounds;
static u32 twice, gone;
static struct barrier barrier;

static void push(struct node *n) {
  struct node *old;
  u64 failed;
  asm volatile("1: lr.d %0, (%2)\nsd %0, 0(%3)\nfence rw, w\nsc.d.rl %1, %3, (%2)\nbnez %1, 1b"
               : "=&r"(old), "=&r"(failed) : "r"(&top), "r"(n) : "memory");
}

static struct node *pop(u64 delay) {
  struct node *first, *next;
  u64 failed, left;
  asm volatile(
      "1: lr.d.aq %0, (%4)\n"
      "beqz %0, 3f\n"
      "ld %1, 0(%0)\n"
      "mv %3, %5\n"
      "2: addi %3, %3, -1\n"
      "bgtz %3, 2b\n"
      "sc.d %2, %1, (%4)\n"
      "bnez %2, 1b\n"
      "3:"
      : "=&r"(first), "=&r"(next), "=&r"(failed), "=&r"(left)
      : "r"(&top), "r"(delay)
      : "memory");
  return first;
}

static void *body(void *argument) {
  u64 seed = (u64)argument * 2654435761UL + 1;
  barrier_wait(&barrier);
  for (u64 i = 0; i < rounds; i++) {
    struct node *a = pop(seed >> 8 & 15), *b = pop(1);
    struct node *mine[2] = {a, b};
    for (int k = 0; k < 2; k++)
      if (mine[k] && __atomic_fetch_add(&mine[k]->held, 1, __ATOMIC_ACQ_REL)) __atomic_add_fetch(&twice, 1, __ATOMIC_RELAXED);
    for (int k = 0; k < 2; k++) /* pushed back in the order popped: the first one comes to lie deeper */
      if (mine[k]) {
        __atomic_fetch_sub(&mine[k]->held, 1, __ATOMIC_ACQ_REL);
        push(mine[k]);
      }
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    if (__atomic_load_n(&twice, __ATOMIC_RELAXED)) break; /* the list may be a ring by now */
  }
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u64 threads = arg_number(argc, argv, 1, 3);
  rounds = arg_number(argc, argv, 2, 2000);
  if (threads < 1 || threads > MOST) return 2;
  for (int i = 0; i < NODES; i++) push(&nodes[i]);
  static struct thread t[MOST];
  barrier.size = (u32)threads;
  for (u64 i = 0; i < threads; i++) thread_start(&t[i], body, (void *)(i + 1));
  for (u64 i = 0; i < threads; i++) thread_join(&t[i]);
  section("held once");
  EQUAL(twice, 0);
  section("none lost");
  u64 seen = 0;
  for (struct node *n = top; n && seen <= NODES; n = n->next) {
    if (n->held) gone++;
    seen++;
  }
  EQUAL(seen, NODES);
  EQUAL(gone, 0);
  return finish();
}
