/* A thread that deletes its own capability does not come back from the call; running threads can be deleted too
   (6.3). */
#include "l4.h"

static u32 after, spinning;
static struct thread t;

static void deletes_itself(void *unused) {
  (void)unused;
  task_unmap(THIS_TASK, UNMAP_DELETE, OBJECT(t.cap, WSRD));
  __atomic_store_n(&after, 1, __ATOMIC_SEQ_CST);
}

static void spins(void *unused) {
  (void)unused;
  for (;;) __atomic_fetch_add(&spinning, 1, __ATOMIC_SEQ_CST);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  section("itself");
  thread_start(&t, deletes_itself, NULL);
  struct utcb *u = t.utcb;
  while (*(volatile u64 *)&u->free_marker) sleep_us(1000);
  EQUAL(after, 0);
  EQUAL(cap_valid(t.cap), 0);
  thread_kill(&t);
  section("another, running");
  thread_start(&t, spins, NULL);
  while (!__atomic_load_n(&spinning, __ATOMIC_SEQ_CST)) sleep_us(1000);
  u = t.utcb;
  thread_kill(&t);
  while (*(volatile u64 *)&u->free_marker) sleep_us(1000);
  u32 before = __atomic_load_n(&spinning, __ATOMIC_SEQ_CST);
  sleep_us(20000);
  EQUAL(__atomic_load_n(&spinning, __ATOMIC_SEQ_CST), before);
  return finish();
}
