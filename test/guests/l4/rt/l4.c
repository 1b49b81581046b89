/* Start of an L4 guest, and the calls of kernel objects and of L4Re's services. */
#include "l4.h"

struct env *env;
u8 *kip;
static cap log_cap = SLOT(5);

void emit(const char *text, u64 bytes) {
  struct utcb *u = utcb();
  /* Guests print in the middle of reading a message: it stays as it is. */
  u64 saved[63];
  memcpy(saved, u->mr, sizeof saved);
  /* 6.9: at most 488 bytes a message. */
  for (u64 at = 0; at < bytes;) {
    u64 n = bytes - at < 488 ? bytes - at : 488;
    u->mr[0] = 0;
    u->mr[1] = n;
    memcpy(&u->mr[2], text + at, n);
    send(log_cap, TAG(P_LOG, 2 + (n + 7) / 8, 0, TAG_SCHEDULE));
    at += n;
  }
  memcpy(u->mr, saved, sizeof saved);
}

u64 micros(u64 us) {
  u64 exponent = 0;
  while (us > 1023) us >>= 1, exponent++;
  return us ? exponent << 10 | us : POLL;
}

u64 now(void) { return ((u64(*)(void))(kip + 0x900))(); }

void sleep_us(u64 us) {
  utcb()->br[0] = now() + us;
  receive(SELF, TIMEOUT(NEVER, BR_TIME));
  utcb()->br[0] = 0;
}

void put_item(u64 words, u64 i, u64 control, u64 flexpage) {
  utcb()->mr[words + 2 * i] = control;
  utcb()->mr[words + 2 * i + 1] = flexpage;
}

cap env_cap(const char *name) {
  for (u64 i = 0; env->caps[i].flags != ~0UL; i++) {
    u64 n = 0;
    while (n < 16 && name[n] && env->caps[i].name[n] == name[n]) n++;
    if (!name[n] && (n == 16 || !env->caps[i].name[n])) return env->caps[i].cap;
  }
  return NO_CAP;
}

/* Asks a factory; further arguments are in the message registers already, `words` with MR0. */
static long create(cap factory, cap slot, long protocol, u64 words, u64 items) {
  struct utcb *u = utcb();
  u->mr[0] = (u64)protocol;
  u->bdr = 0;
  u->br[0] = BUFFER(slot);
  u->br[1] = 0;
  long result = status(call(factory, TAG(P_FACTORY, words, items, 0)));
  u->br[0] = 0;
  return result;
}

long make_from(cap factory, cap slot, long protocol) { return create(factory, slot, protocol, 1, 0); }
long make(cap slot, long protocol) { return make_from(env->factory, slot, protocol); }

long make_gate(cap slot, cap thread, u64 label) {
  struct utcb *u = utcb();
  if (thread == NO_CAP) return create(env->factory, slot, 0, 1, 0);
  u->mr[1] = 0x80001;
  u->mr[2] = label;
  put_item(3, 0, MAP, OBJECT(thread, WSR));
  return create(env->factory, slot, 0, 3, 1);
}

long make_factory(cap slot, u64 limit) {
  utcb()->mr[1] = 0x80001;
  utcb()->mr[2] = limit;
  return create(env->factory, slot, P_FACTORY, 3, 0);
}

long make_task(cap slot, u64 area) {
  utcb()->mr[1] = 0x80003;
  utcb()->mr[2] = area;
  return create(env->factory, slot, P_TASK, 3, 0);
}

long task_map(cap to, cap from, u64 flexpage, u64 control) {
  struct utcb *u = utcb();
  u->mr[0] = 0;
  u->mr[1] = control;
  u->mr[2] = flexpage;
  put_item(3, 0, MAP, OBJECT(from, WSR));
  return status(call(to, TAG(P_TASK, 3, 1, 0)));
}

long task_unmap(cap task, u64 mask, u64 flexpage) {
  struct utcb *u = utcb();
  u->mr[0] = 1;
  u->mr[1] = mask;
  u->mr[2] = flexpage;
  return status(call(task, TAG(P_TASK, 3, 0, 0)));
}

long cap_valid(cap c) {
  utcb()->mr[0] = 2;
  utcb()->mr[1] = c;
  return status(call(THIS_TASK, TAG(P_TASK, 2, 0, 0)));
}

long cap_equal(cap a, cap b) {
  utcb()->mr[0] = 2;
  utcb()->mr[1] = a;
  utcb()->mr[2] = b;
  return status(call(THIS_TASK, TAG(P_TASK, 3, 0, 0)));
}

long bind(cap object, cap thread, u64 label) {
  utcb()->mr[0] = 0x10;
  utcb()->mr[1] = label;
  put_item(2, 0, MAP, OBJECT(thread, WSR));
  return status(call(object, TAG(P_KOBJECT, 2, 1, 0)));
}

long trigger(cap irq) {
  u64 tag = send(irq, TAG(P_IRQ, 0, 0, 0));
  return tag & TAG_ERROR ? FAILED(utcb()->error) : 0;
}

long detach(cap irq) {
  utcb()->mr[0] = 1;
  return status(call(irq, TAG(P_IRQ_SENDER, 1, 0, 0)));
}

long down(cap semaphore, u64 receive_timeout) {
  utcb()->mr[0] = 0;
  return status(ipc(semaphore | CALL, TAG(P_SEMAPHORE, 1, 0, 0), TIMEOUT(NEVER, receive_timeout), NULL));
}

long rm_attach(u64 *start, u64 size, u64 flags, cap dataspace, u64 offset) {
  struct utcb *u = utcb();
  int given = dataspace != NO_CAP;
  u->mr[0] = 0;
  u->mr[1] = *start;
  u->mr[2] = size;
  u->mr[3] = flags;
  u->mr[4] = offset;
  u->mr[5] = 12; /* pages */
  u->mr[6] = dataspace;
  u->mr[7] = 1; /* an empty name: its NUL */
  u->mr[8] = 0;
  u->mr[9] = 0;
  if (given) put_item(10, 0, MAP, OBJECT(dataspace, WSR));
  long result = status(call(env->rm, TAG(P_RM, 10, given, 0)));
  if (result >= 0) *start = u->mr[0];
  return result;
}

long rm_detach(u64 address, u64 size, u64 flags, cap *dataspace) {
  struct utcb *u = utcb();
  u->mr[0] = 1;
  u->mr[1] = address;
  u->mr[2] = size;
  u->mr[3] = flags;
  long result = status(call(env->rm, TAG(P_RM, 4, 0, 0)));
  if (result >= 0 && dataspace) *dataspace = u->mr[2];
  return result;
}

long dataspace_make(cap slot, u64 size) {
  struct utcb *u = utcb();
  u->mr[1] = 0x80081;
  u->mr[2] = size;
  u->mr[3] = 0x80001;
  u->mr[4] = 0;
  u->mr[5] = 0x80001;
  u->mr[6] = 0;
  return create(env->mem_alloc, slot, P_DATASPACE, 7, 0);
}

void leave(int code) {
  struct utcb *u = utcb();
  u->mr[0] = 0;
  u->mr[1] = 0;
  u->mr[2] = (u64)code;
  call(env->parent, TAG(P_PARENT, 3, 0, 0));
  for (;;) receive(SELF, 0);
}

u64 tool_request(u64 number) {
  u64 arguments[6] = {number};
  register u64 result asm("a3") = 0;
  register u64 *at asm("a4") = arguments;
  asm volatile(
      ".option push\n.option norvc\n"
      "srli x0, x0, 3\nsrli x0, x0, 13\nsrli x0, x0, 51\nsrli x0, x0, 61\nor a0, a0, a0\n"
      ".option pop"
      : "+r"(result)
      : "r"(at)
      : "memory");
  return result;
}

void l4_begin(u64 *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  u64 *p = stack + argc + 2;
  while (*p) p++;
  for (p++; p[0]; p += 2) {
    if (p[0] == 0xf1) env = (struct env *)p[1];
    if (p[0] == 0xf2) kip = (u8 *)p[1];
  }
  if (env->log != NO_CAP) log_cap = env->log;
  leave(guest(argc, argv));
}
