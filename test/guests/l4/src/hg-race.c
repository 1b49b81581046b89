/* Four races that messages do not order: beside all synchronisation, behind the message instead of before it, the same
   dataspace seen at two addresses, behind a semaphore's up. */
#include "l4.h"

static volatile u64 plain, late, after_up;
static cap semaphore, main_thread;
static u64 *here, *there;

/* No edge in between: main does the same before it waits for the thread. */
static void beside(void *unused) {
  (void)unused;
  plain = 1;
}

static void behind_message(void *unused) {
  (void)unused;
  send(main_thread, TAG(0, 0, 0, 0));
  late = 1;
}

static void through_first_mapping(void *unused) {
  (void)unused;
  *here = 1;
}

static void behind_up(void *unused) {
  (void)unused;
  up(semaphore);
  after_up = 1;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  main_thread = env->main_thread;
  section("beside");
  thread_start(&t, beside, NULL);
  plain = 2;
  thread_join(&t);

  section("message");
  thread_start(&t, behind_message, NULL);
  u64 label;
  wait_any(&label);
  late = 2;
  thread_join(&t);

  section("two mappings");
  cap memory = slot_alloc();
  EQUAL(dataspace_make(memory, PAGE), 0);
  u64 first = 0, second = 0;
  EQUAL(rm_attach(&first, PAGE, RM_SEARCH | MEM_RW, memory, 0), 0);
  EQUAL(rm_attach(&second, PAGE, RM_SEARCH | MEM_RW, memory, 0), 0);
  here = (u64 *)first + 8, there = (u64 *)second + 8;
  CHECK(first != second);
  thread_start(&t, through_first_mapping, NULL);
  *there = 2;
  thread_join(&t);
  slot_free(memory);

  section("semaphore");
  semaphore = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  thread_start(&t, behind_up, NULL);
  down(semaphore, NEVER);
  after_up = 2;
  thread_join(&t);
  slot_free(semaphore);
  return finish();
}
