/* What kernel objects say to requests that they do not understand or allow (6.0). */
#include "l4.h"

static long ask(cap object, long protocol, u64 code, u64 words) {
  utcb()->mr[0] = code;
  for (u64 i = 1; i < words; i++) utcb()->mr[i] = 0;
  return status(call(object, TAG(protocol, words, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), b = slot_alloc();
  section("wrong protocol");
  EQUAL(ask(THIS_TASK, P_FACTORY, 0, 1), -EBADPROTO);
  EQUAL(ask(env->factory, P_TASK, 0, 1), -EBADPROTO);
  EQUAL(ask(env->scheduler, P_TASK, 0, 1), -EBADPROTO);
  make(a, P_SEMAPHORE);
  EQUAL(ask(a, P_THREAD, 0, 1), -EBADPROTO);
  /* No kernel object implements META. */
  EQUAL(ask(THIS_TASK, P_META, 0, 1), -EBADPROTO);
  section("unknown operation");
  EQUAL(ask(THIS_TASK, P_TASK, 17, 1), -ENOSYS);
  EQUAL(ask(THIS_TASK, P_TASK, 99, 2), -ENOSYS);
  EQUAL(ask(SELF, P_THREAD, 33, 1), -ENOSYS);
  EQUAL(ask(env->scheduler, P_SCHEDULER, 9, 1), -ENOSYS);
  section("no words");
  EQUAL(ask(THIS_TASK, P_TASK, 0, 0), -EMSGTOOSHORT);
  EQUAL(ask(env->factory, P_FACTORY, 0, 0), -EMSGTOOSHORT);
  section("missing item");
  EQUAL(ask(THIS_TASK, P_TASK, 0, 3), -EINVAL);
  section("factory");
  EQUAL(make(b, -99), -ENODEV);
  EQUAL(make(b, 0x4000), -ENODEV);
  EQUAL(cap_valid(b), 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(env->factory, R), MAP | b);
  EQUAL(make_from(b, a, P_SEMAPHORE), -EPERM);
  EQUAL(cap_valid(a), 1);
  drop(b);
  section("thread control");
  cap t = slot_alloc();
  make(t, P_THREAD);
  task_map(THIS_TASK, THIS_TASK, OBJECT(t, R), MAP | b);
  EQUAL(thread_bind(b, utcb_alloc(), NO_CAP, NO_CAP), -EPERM);
  /* Not inside kernel-user memory (3). */
  EQUAL(thread_bind(t, (struct utcb *)0x20000, NO_CAP, NO_CAP), -EINVAL);
  struct utcb *fresh = utcb_alloc();
  EQUAL(thread_bind(t, fresh, NO_CAP, NO_CAP) >= 0, 1);
  /* Once only (6.3). */
  EQUAL(thread_bind(t, fresh, NO_CAP, NO_CAP), -EINVAL);
  destroy(t);
  destroy(a);
  drop(b);
  slot_free(t), slot_free(b), slot_free(a);
  return finish();
}
