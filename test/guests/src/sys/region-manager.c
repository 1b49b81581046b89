/* A region manager of the program's own (include/capgrind.h): pages of a file and anonymous ones appear at first touch.
   It prints the same whoever resolves the faults. The first argument says what to do besides. */
#include "../../../../include/capgrind.h"
#include "mini.h"

enum { FILE_PAGES = 8, ANON_PAGES = 8, ALL = 20, READERS = 3, USR1 = 10 };
struct sigaction { void *handler; u64 flags, mask; };

static u8 *range;
static int fd;
static const char *mode;
static struct thread manager;
static struct mutex lock;
static u32 mapped, ready, asked, interrupted, go, reading;
static long kind;

static void map(u64 page, u64 n, int prot, int file) {
  long at = sys(SYS_mmap, range + page * PAGE, n * PAGE, prot, MAP_PRIVATE | MAP_FIXED | (file < 0 ? MAP_ANONYMOUS : 0), file,
                file < 0 ? 0 : page * PAGE);
  EQUAL(at, range + page * PAGE);
}

/* 0 when the page is the manager's to give. */
static int refuses(u64 page, u64 access) {
  mutex_lock(&lock);
  asked++;
  int wrong = page >= FILE_PAGES + ANON_PAGES || (page < FILE_PAGES && access != 1);
  if (!wrong && !(mapped >> page & 1)) {
    mapped |= 1u << page;
    if (page < FILE_PAGES) map(page, 1, PROT_READ, fd);
    else map(page, 1, PROT_READ | PROT_WRITE, -1);
  }
  mutex_unlock(&lock);
  return wrong;
}

static void *manage(void *unused) {
  (void)unused;
  kind = CAPGRIND_RM_REGISTER(range, ALL * PAGE);
  if (kind == CAPGRIND_RM_NONE) map(0, FILE_PAGES, PROT_READ, fd), map(FILE_PAGES, ANON_PAGES, PROT_READ | PROT_WRITE, -1);
  EQUAL(CAPGRIND_RM_ATTACH(range, FILE_PAGES * PAGE, PROT_READ, fd, 0), 0);
  EQUAL(CAPGRIND_RM_ATTACH(range + FILE_PAGES * PAGE, ANON_PAGES * PAGE, PROT_READ | PROT_WRITE, -1, 0), 0);
  __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
  if (same(mode, "ends")) return NULL;
  struct capgrind_fault fault;
  while (CAPGRIND_RM_WAIT(&fault) == 1) {
    CHECK(fault.address >= (u64)range && fault.address < (u64)range + ALL * PAGE);
    CHECK(fault.tid != manager.tid);
    if (same(mode, "hangs")) for (;;) sleep_ms(1000);
    if (same(mode, "keeps") || same(mode, "stuck")) continue;
    if (same(mode, "signal") && !interrupted) {
      __atomic_store_n(&reading, (u32)fault.tid, __ATOMIC_SEQ_CST);
      wait_until(&go, 1);
    }
    EQUAL(CAPGRIND_RM_ANSWER(fault.number + 1000, 0), kind == CAPGRIND_RM_GUEST ? -3 : 0);
    long answered = CAPGRIND_RM_ANSWER(fault.number, refuses((fault.address - (u64)range) / PAGE, fault.access));
    if (!same(mode, "signal")) EQUAL(answered, 0);
    if (mapped == (1u << (FILE_PAGES + ANON_PAGES)) - 1) break;
  }
  EQUAL(CAPGRIND_RM_UNREGISTER(range, ALL * PAGE), 0);
  return NULL;
}

static void *reader(void *number) {
  u64 sum = 0;
  for (u64 p = 0; p < FILE_PAGES; p++) {
    u64 page = (p + (u64)number * 3) % FILE_PAGES;
    sum += *(volatile u64 *)(range + page * PAGE + 8 * (u64)number);
  }
  for (u64 p = FILE_PAGES; p < FILE_PAGES + ANON_PAGES / 2; p++)
    __atomic_fetch_add((u32 *)(range + p * PAGE), 1, __ATOMIC_SEQ_CST);
  return (void *)sum;
}

static void on_signal(int signo) {
  (void)signo;
  __atomic_store_n(&interrupted, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
}

/* Sends a signal to whoever waits for the manager; or ends the program. */
static void *disturb(void *unused) {
  (void)unused;
  if (same(mode, "hangs") || same(mode, "keeps")) {
    sleep_ms(500);
    put("%s: over\n", mode);
    sys(SYS_exit_group, 7);
  }
  while (!__atomic_load_n(&reading, __ATOMIC_SEQ_CST)) {
    if (kind != CAPGRIND_RM_GUEST) return NULL;
    sleep_ms(1);
  }
  sys(SYS_tgkill, sys(SYS_getpid), reading, USR1);
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  mode = argc > 2 ? argv[2] : "";
  fd = (int)sys(SYS_openat, -100, argv[1], 0102 | 01000, 0600);
  CHECK(fd >= 0);
  static u64 page[PAGE / 8];
  for (u64 p = 0; p < FILE_PAGES; p++) {
    for (u64 i = 0; i < PAGE / 8; i++) page[i] = p * 1000 + i;
    EQUAL(sys(SYS_write, fd, page, PAGE), PAGE);
  }
  range = pages(ALL * PAGE, PROT_NONE);
  struct sigaction a = {on_signal, 0, 0};
  if (same(mode, "signal")) EQUAL(sys(SYS_rt_sigaction, USR1, &a, NULL, 8), 0);
  thread_start(&manager, manage, NULL);
  wait_until(&ready, 1);
  if (same(mode, "ends")) thread_join(&manager);
  struct thread helper;
  if (same(mode, "signal") || same(mode, "hangs") || same(mode, "keeps")) thread_start(&helper, disturb, NULL);
  section("touch");
  EQUAL(*(volatile u64 *)(range + 8), 1);
  if (same(mode, "signal")) {
    thread_join(&helper);
    if (kind == CAPGRIND_RM_GUEST) EQUAL(interrupted, 1);
  }
  if (same(mode, "refused")) *(volatile u8 *)(range + (FILE_PAGES + ANON_PAGES) * PAGE);
  section("readers");
  struct thread t[READERS];
  for (u64 i = 0; i < READERS; i++) EQUAL(thread_start(&t[i], reader, (void *)i), 0);
  for (u64 i = 0; i < READERS; i++) EQUAL(thread_join(&t[i]), 28000 + 8 * i);
  for (u64 p = FILE_PAGES; p < FILE_PAGES + ANON_PAGES / 2; p++) EQUAL(*(u32 *)(range + p * PAGE), READERS);
  section("system calls");
  EQUAL(sys(SYS_lseek, fd, 0, 0), 0);
  u8 *last = range + (FILE_PAGES + ANON_PAGES / 2) * PAGE;
  EQUAL(sys(SYS_read, fd, last, 2 * PAGE), 2 * PAGE);
  EQUAL(*(u64 *)(last + PAGE), 1000);
  EQUAL(sys(SYS_read, fd, range, PAGE), -EFAULT);
  EQUAL(sys(SYS_read, fd, range + (FILE_PAGES + ANON_PAGES) * PAGE, PAGE), -EFAULT);
  for (u64 p = FILE_PAGES; p < FILE_PAGES + ANON_PAGES; p++) *(volatile u8 *)(range + p * PAGE + 9) = 1;
  section("end");
  thread_join(&manager);
  if (kind == CAPGRIND_RM_GUEST) EQUAL(mapped, (1u << (FILE_PAGES + ANON_PAGES)) - 1);
  else EQUAL(asked, 0);
  int status = finish();
  if (same(mode, "count")) put("%s\n", asked ? "asked" : "never asked");
  return status;
}
