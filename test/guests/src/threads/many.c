/* many [TOTAL [BATCH]]: TOTAL threads in batches.  many limit [MOST]: creates waiting threads until clone says
   EAGAIN, or MOST of them, then lets all go; afterwards a thread can be created again. */
#include "mini.h"

enum { MOST = 512 };
static struct thread t[MOST];
static u32 gate, sum;

static void *add(void *argument) {
  __atomic_add_fetch(&sum, (u32)(u64)argument, __ATOMIC_RELAXED);
  return NULL;
}

static void *hold(void *argument) {
  while (!__atomic_load_n(&gate, __ATOMIC_ACQUIRE)) sys(SYS_futex, &gate, FUTEX_WAIT | FUTEX_PRIVATE, 0, NULL);
  return add(argument);
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  if (argc > 1 && same(argv[1], "limit")) {
    u64 most = arg_number(argc, argv, 2, MOST), n = 0;
    long failure = 0;
    section("limit");
    while (n < most && !(failure = thread_start(&t[n], hold, (void *)1))) n++;
    CHECK(n >= 2);
    CHECK(n == most || failure == -EAGAIN);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    sys(SYS_futex, &gate, FUTEX_WAKE | FUTEX_PRIVATE, 0x7fffffff);
    for (u64 i = 0; i < n; i++) thread_join(&t[i]);
    EQUAL(sum, n);
    section("afterwards");
    EQUAL(thread_start(&t[0], hold, (void *)5), 0);
    thread_join(&t[0]);
    EQUAL(sum, n + 5);
    return finish();
  }
  u64 total = arg_number(argc, argv, 1, 100), batch = arg_number(argc, argv, 2, 5);
  if (batch == 0 || batch > MOST) return 2;
  section("batches");
  for (u64 made = 0; made < total;) {
    u64 now = total - made < batch ? total - made : batch;
    for (u64 i = 0; i < now; i++) EQUAL(thread_start(&t[i], add, (void *)(++made)), 0);
    for (u64 i = 0; i < now; i++) thread_join(&t[i]);
  }
  EQUAL(sum, total * (total + 1) / 2);
  return finish();
}
