/* Everything as it should be: slots allocated, filled, used, emptied, freed; the C and C++ allocators, references,
   unmapping and deleting, a reused slot, a received capability. CapCheck finds nothing. */
#include "l4.h"

static cap given;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (int i = 0; i < 5; i++) {
    put_item(0, 0, MAP, OBJECT(given, WSR));
    if (i < 4) reply_wait(TAG(0, 0, 1, 0), &label);
    else ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 1, 0), TIMEOUT(POLL, NEVER), NULL);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  /* Created, used, destroyed. */
  cap a = slot_alloc();
  make(a, P_SEMAPHORE);
  up(a);
  down(a, POLL);
  destroy(a);
  slot_free(a);
  /* The C++ allocator, with references. */
  cap b = cxx_slot_alloc(NULL);
  make(b, P_SEMAPHORE);
  cxx_slot_take(NULL, b);
  cxx_slot_release(NULL, b, THIS_TASK, UNMAP_DELETE);
  up(b);
  cxx_slot_release(NULL, b, THIS_TASK, UNMAP_DELETE);
  /* One slot for five capabilities, emptied in between. */
  given = slot_alloc();
  make(given, P_SEMAPHORE);
  thread_start(&t, giver, NULL);
  cap received = slot_alloc();
  for (int i = 0; i < 5; i++) {
    utcb()->br[0] = BUFFER(received);
    utcb()->br[1] = 0;
    call(t.cap, TAG(0, 0, 0, 0));
    up(received);
    drop(received);
  }
  utcb()->br[0] = 0;
  slot_free(received);
  thread_join(&t);
  destroy(given);
  slot_free(given);
  put("clean\n");
  return 0;
}
