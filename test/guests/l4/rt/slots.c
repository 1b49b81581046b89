/* Capability slots as L4Re's counting allocator keeps them (15.1): one counter each, lowest free one first from a
   hint; the kernel is not told. 0 is free, alloc sets 2, take adds one, release takes one away and at 1 the slot is
   emptied and free. The names are the library's, so that a tool finds them. */
#include "l4.h"

enum { SLOTS = 1024 };
static u32 counters[SLOTS];
static u32 hint;

cap cxx_slot_alloc(void *self) {
  (void)self;
  for (u32 i = __atomic_load_n(&hint, __ATOMIC_RELAXED); i < SLOTS; i++) {
    u32 free = 0;
    if (!__atomic_compare_exchange_n(&counters[i], &free, 2, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) continue;
    __atomic_store_n(&hint, i + 1, __ATOMIC_RELAXED);
    return SLOT(env->first_free_cap + i);
  }
  return NO_CAP;
}

static void give_back(u64 i) {
  __atomic_store_n(&counters[i], 0, __ATOMIC_RELEASE);
  u32 old = __atomic_load_n(&hint, __ATOMIC_RELAXED);
  while (i < old && !__atomic_compare_exchange_n(&hint, &old, (u32)i, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

void cxx_slot_free(void *self, cap c, cap task, u32 mask) {
  (void)self;
  u64 i = INDEX(c) - env->first_free_cap;
  if (i >= SLOTS) return;
  if (task != NO_CAP) task_unmap(task, mask, OBJECT(c, WSR | (mask & 0x40000000 ? D : 0)));
  give_back(i);
}

void cxx_slot_take(void *self, cap c) {
  (void)self;
  __atomic_fetch_add(&counters[INDEX(c) - env->first_free_cap], 1, __ATOMIC_RELAXED);
}

void cxx_slot_release(void *self, cap c, cap task, u32 mask) {
  u64 i = INDEX(c) - env->first_free_cap;
  if (__atomic_sub_fetch(&counters[i], 1, __ATOMIC_ACQ_REL) == 1) cxx_slot_free(self, c, task, mask);
}

cap slot_alloc(void) { return cxx_slot_alloc(NULL); }
void slot_free(cap c) { cxx_slot_free(NULL, c, THIS_TASK, UNMAP_SELF); }
