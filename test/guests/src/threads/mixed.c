/* Race-free work of four threads on everything that can change memory: plain accesses to own and to locked memory, words
 * that all of them write with relaxed atomics (plain loads and stores on riscv64), AMOs, LR/SC, mutexes, mmap and munmap,
 * memcpy, and system calls that write memory. `mixed [milliseconds [n]]` goes on until the time is over, with n times as
 * many of the relaxed accesses. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define WORDS 64
#define PAGE 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long locked[WORDS];
static long turns;
/* Apart from what LR has reserved: stores to such a line take a lock. */
static _Alignas(128) _Atomic long shared[8];
static _Alignas(128) atomic_long added;
static atomic_long exchanged;
static atomic_int failures;
static struct timespec end;
static long turns_each;
static long rounds = 1;

static void expect(int ok) {
  if (!ok) atomic_fetch_add(&failures, 1);
}

static int over(long turn) {
  struct timespec now;
  if (turns_each > 0) return turn >= turns_each;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

/* All threads write and read the same eight words: each value carries its writer twice. */
static void relaxed(long id, long turn) {
  for (long i = 0; i < 64 * rounds; i++) {
    long v = turn << 16 | id << 8 | id;
    atomic_store_explicit(&shared[i & 7], v, memory_order_relaxed);
    v = atomic_load_explicit(&shared[(i + 3) & 7], memory_order_relaxed);
    expect((v & 255) == (v >> 8 & 255));
  }
}

static void pages(long id) {
  size_t size = PAGE * (1 + id);
  long *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(m != MAP_FAILED && m[0] == 0 && m[size / 8 - 1] == 0);
  for (size_t i = 0; i < size / 8; i += 16) m[i] = i ^ id;
  for (size_t i = 0; i < size / 8; i += 16) expect(m[i] == (long)(i ^ id));
  expect(munmap(m, size) == 0);
}

static void kernel_writes(int in, int out, long turn) {
  long sent[8], got[8];
  for (int i = 0; i < 8; i++) sent[i] = turn + i;
  memset(got, 0, sizeof got);
  expect(write(out, sent, sizeof sent) == sizeof sent);
  expect(read(in, got, sizeof got) == sizeof got);
  expect(memcmp(sent, got, sizeof got) == 0);
}

static void *worker(void *arg) {
  long id = (long)arg;
  int p[2];
  uint8_t a[500], b[500];
  long mine[WORDS] = {0};
  expect(pipe(p) == 0);
  for (long turn = 0; !over(turn); turn++) {
    for (int i = 0; i < WORDS; i++) mine[i] += i * turn;
    relaxed(id, turn);
    atomic_fetch_add(&added, 1);
    long seen = atomic_load(&exchanged);
    while (!atomic_compare_exchange_weak(&exchanged, &seen, seen + 2)) {
    }
    pthread_mutex_lock(&lock);
    for (int i = 1; i < WORDS; i++) expect(locked[i] == locked[0]);
    for (int i = 0; i < WORDS; i++) locked[i]++;
    turns++;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 500; i++) a[i] = (uint8_t)(i * id + turn);
    memcpy(b, a, sizeof b);
    memmove(a + 3, a, 400);
    expect(memcmp(b, a + 3, 400) == 0);
    if (turn % 16 == id) pages(id);
    if (turn % 4 == 0) kernel_writes(p[0], p[1], turn);
  }
  long sum = 0;
  for (int i = 0; i < WORDS; i++) sum += mine[i];
  close(p[0]);
  close(p[1]);
  return (void *)(sum & 1);
}

int main(int argc, char **argv) {
  pthread_t t[THREADS];
  long ms = argc > 1 ? atol(argv[1]) : 0;
  if (argc > 2) rounds = atol(argv[2]);
  if (ms == 0) turns_each = 200;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += ms / 1000;
  end.tv_nsec += ms % 1000 * 1000000;
  if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, worker, (void *)(i + 1));
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  int ok = failures == 0 && locked[0] == turns && added == turns && exchanged == 2 * turns;
  printf("mixed: %s\n", ok ? "ok" : "failed");
  return !ok;
}
