/* Semaphores count; down honours the receive timeout, wakes by priority, and ends with error 5 when the semaphore is
   deleted (6.7). */
#include "l4.h"

static cap semaphore;
static u64 woken[3], order;
static long result;

static void waiter(void *argument) {
  down(semaphore, NEVER);
  woken[(u64)argument] = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
}

static void deleted(void *unused) {
  (void)unused;
  result = down(semaphore, NEVER);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t[3];
  semaphore = slot_alloc();
  cap copy = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  section("counting");
  for (int i = 0; i < 3; i++) up(semaphore);
  for (int i = 0; i < 3; i++) EQUAL(down(semaphore, POLL), 0);
  EQUAL(down(semaphore, POLL), WHILE_RECEIVING(IPC_TIMEOUT));
  u64 before = now();
  EQUAL(down(semaphore, micros(4000)), WHILE_RECEIVING(IPC_TIMEOUT));
  CHECK(now() - before >= 3900);
  section("rights");
  task_map(THIS_TASK, THIS_TASK, OBJECT(semaphore, R), MAP | copy);
  EQUAL(down(copy, POLL), -EPERM);
  EQUAL(up(copy), 0);
  EQUAL(down(semaphore, POLL), 0);
  drop(copy);
  section("by priority");
  static const int priorities[3] = {3, 5, 4};
  for (u64 i = 0; i < 3; i++) {
    thread_start_at(&t[i], priorities[i], waiter, (void *)i);
    thread_blocks(&t[i]);
  }
  for (int i = 0; i < 3; i++) {
    up(semaphore);
    while (__atomic_load_n(&order, __ATOMIC_SEQ_CST) != (u64)i + 1) sleep_us(1000);
  }
  EQUAL(woken[0], 3);
  EQUAL(woken[1], 1);
  EQUAL(woken[2], 2);
  for (int i = 0; i < 3; i++) thread_join(&t[i]);
  section("deleted");
  thread_start(&t[0], deleted, NULL);
  thread_blocks(&t[0]);
  destroy(semaphore);
  thread_join(&t[0]);
  EQUAL(result, WHILE_RECEIVING(IPC_NOT_EXISTENT));
  slot_free(copy), slot_free(semaphore);
  return finish();
}
