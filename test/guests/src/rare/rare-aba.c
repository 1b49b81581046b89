/* ABA: a lock-free stack whose pop compares the top only. While a thread is between reading top->next and exchanging,
   another pops two nodes and pushes the first back: the exchange succeeds and makes a node in use the top. */
#include "rare.h"
enum { NODES = 3, TIMES = 6 };
static struct node { struct node *next; u32 users; } node[NODES], *top;
static u32 shared;
static struct node *pop(void) {
  struct node *was = __atomic_load_n(&top, __ATOMIC_ACQUIRE);
  while (was != NULL) {
    struct node *next = LOAD(was->next);
    if (__atomic_compare_exchange_n(&top, &was, next, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) break;
  }
  if (was != NULL && __atomic_fetch_add(&was->users, 1, __ATOMIC_RELAXED) != 0) STORE(shared, 1);
  return was;
}
static void push(struct node *n) {
  __atomic_fetch_sub(&n->users, 1, __ATOMIC_RELAXED);
  struct node *was = __atomic_load_n(&top, __ATOMIC_ACQUIRE);
  do STORE(n->next, was);
  while (!__atomic_compare_exchange_n(&top, &was, n, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}
static void *churn(void *me) {
  (void)me;
  for (int i = 0; i < TIMES; i++) {
    struct node *a = pop();
    struct node *b = pop();
    work(20);
    if (a != NULL) push(a);
    if (b != NULL) push(b);
  }
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  for (int i = 0; i < NODES; i++) node[i].next = i + 1 < NODES ? &node[i + 1] : NULL;
  top = &node[0];
  both(churn, churn);
  return VERDICT("rare-aba", shared == 0);
}
