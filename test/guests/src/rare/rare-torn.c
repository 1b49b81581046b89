/* A torn value: 128 bits are written and read in two halves. */
#include "rare.h"
enum { TIMES = 4 };
static struct { u64 low, high; } value;
static u32 torn;
static void *writer(void *me) {
  (void)me;
  for (u64 i = 1; i <= TIMES; i++) {
    work(30);
    STORE(value.low, i);
    STORE(value.high, i);
  }
  return NULL;
}
static void *reader(void *me) {
  (void)me;
  for (int i = 0; i < TIMES; i++) {
    work(30);
    u64 low = LOAD(value.low), high = LOAD(value.high);
    if (low != high) STORE(torn, 1);
  }
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  STORE(value.low, 0); /* the page is there: no fault between the halves */
  both(writer, reader);
  return VERDICT("rare-torn", torn == 0);
}
