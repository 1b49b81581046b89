/* pthread-suite CASE: one property of glibc's threads a case; prints "CASE: ok". Only race-free cases. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N = 4, ROUNDS = 200 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;

#define NEED(x) do { if (!(x)) { printf("line %d: %s does not hold\n", __LINE__, #x); exit(1); } } while (0)

/* Starts n threads on body(0..n-1) and adds up what they return. */
static long all(int n, void *(*body)(void *)) {
  pthread_t t[64];
  long sum = 0;
  for (long i = 0; i < n; i++) NEED(pthread_create(&t[i], NULL, body, (void *)i) == 0);
  for (int i = 0; i < n; i++) {
    void *result;
    NEED(pthread_join(t[i], &result) == 0);
    sum += (long)result;
  }
  return sum;
}

static struct timespec in_ms(clockid_t clock, long ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += ms * 1000000;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

static void *square(void *i) { return (void *)((long)i * (long)i); }
static void create_join(void) {
  NEED(all(16, square) == 1240); /* 0 + 1 + 4 + ... + 225 */
}

static void *just_return(void *i) { return i; }
static void many(void) {
  for (int batch = 0; batch < 25; batch++) NEED(all(4, just_return) == 6);
}

static __thread long tls_set = 5, tls_zero;
static pthread_key_t key;
static void destructor(void *value) {
  pthread_mutex_lock(&lock);
  counter += (long)value;
  pthread_mutex_unlock(&lock);
}
static void *use_tls(void *i) {
  long bad = tls_set != 5 || tls_zero != 0;
  for (int k = 0; k < 100; k++) tls_set += (long)i, tls_zero--;
  pthread_setspecific(key, (void *)((long)i + 1));
  return (void *)(bad * 1000000 + tls_set + tls_zero);
}
static void tls(void) {
  NEED(pthread_key_create(&key, destructor) == 0);
  NEED(all(N, use_tls) == 4 * (5 - 100) + 100 * 6);
  NEED(counter == 10 && tls_set == 5 && tls_zero == 0); /* 1 + 2 + 3 + 4 from the destructors */
}

static void *add_locked(void *i) {
  for (int k = 0; k < ROUNDS; k++) {
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
  }
  return i;
}
static void *timed_try(void *held) {
  struct timespec t = in_ms(CLOCK_REALTIME, 20);
  return (void *)(long)(pthread_mutex_trylock(held) == EBUSY && pthread_mutex_timedlock(held, &t) == ETIMEDOUT);
}
static void mutex(void) {
  all(N, add_locked);
  NEED(counter == N * ROUNDS);
  pthread_mutexattr_t a;
  pthread_mutex_t m;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&m, &a);
  NEED(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == 0);
  pthread_t t;
  void *ok;
  pthread_create(&t, NULL, timed_try, &m);
  pthread_join(t, &ok);
  NEED(ok != NULL);
  NEED(pthread_mutex_unlock(&m) == 0 && pthread_mutex_unlock(&m) == 0);
  pthread_mutex_destroy(&m);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&m, &a);
  NEED(pthread_mutex_unlock(&m) == EPERM);
  NEED(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == EDEADLK && pthread_mutex_unlock(&m) == 0);
}

static long slots[3], filled, taken;
static void *producer_or_consumer(void *i) {
  long sum = 0;
  for (long k = 1; k <= ROUNDS; k++) {
    pthread_mutex_lock(&lock);
    if ((long)i % 2) {
      while (filled == taken) pthread_cond_wait(&changed, &lock);
      sum += slots[taken++ % 3];
    } else {
      while (filled - taken == 3) pthread_cond_wait(&changed, &lock);
      slots[filled++ % 3] = k;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
  return (void *)sum;
}
static void cond(void) {
  NEED(all(N, producer_or_consumer) == N / 2 * (ROUNDS * (ROUNDS + 1) / 2));
  struct timespec t = in_ms(CLOCK_REALTIME, 20);
  pthread_mutex_lock(&lock);
  NEED(pthread_cond_timedwait(&changed, &lock, &t) == ETIMEDOUT);
  pthread_mutex_unlock(&lock);
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];
static void *read_or_write(void *i) {
  long bad = 0;
  for (int k = 0; k < ROUNDS; k++) {
    if (i == 0) {
      pthread_rwlock_wrlock(&rw);
      pair[0]++;
      pair[1]++;
    } else {
      pthread_rwlock_rdlock(&rw);
      bad += pair[0] != pair[1];
    }
    pthread_rwlock_unlock(&rw);
  }
  return (void *)bad;
}
static void rwlock(void) {
  NEED(all(N, read_or_write) == 0);
  NEED(pair[0] == ROUNDS && pair[1] == ROUNDS);
  pthread_rwlock_rdlock(&rw);
  NEED(pthread_rwlock_tryrdlock(&rw) == 0);
  NEED(pthread_rwlock_trywrlock(&rw) == EBUSY);
}

static pthread_barrier_t barrier;
static long phase[N];
static void *phases(void *i) {
  long bad = 0, serial = 0;
  for (long k = 1; k <= 20; k++) {
    phase[(long)i] = k;
    serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    for (int j = 0; j < N; j++) bad += phase[j] != k;
    pthread_barrier_wait(&barrier);
  }
  return (void *)(bad * 1000000 + serial);
}
static void barriers(void) {
  pthread_barrier_init(&barrier, NULL, N);
  NEED(all(N, phases) == 20); /* one serial thread a round */
}

static sem_t ping, pong;
static void *answer(void *arg) {
  for (int k = 0; k < ROUNDS; k++) {
    sem_wait(&ping);
    counter = counter * 2 % 1000003;
    sem_post(&pong);
  }
  return arg;
}
static void semaphore(void) {
  sem_init(&ping, 0, 0);
  sem_init(&pong, 0, 0);
  pthread_t t;
  pthread_create(&t, NULL, answer, NULL);
  counter = 1;
  long want = 1;
  for (int k = 0; k < ROUNDS; k++) {
    counter++;
    want = (want + 1) * 2 % 1000003;
    sem_post(&ping);
    sem_wait(&pong);
  }
  pthread_join(t, NULL);
  NEED(counter == want);
  NEED(sem_trywait(&ping) == -1 && errno == EAGAIN);
  struct timespec until = in_ms(CLOCK_REALTIME, 20);
  NEED(sem_timedwait(&ping, &until) == -1 && errno == ETIMEDOUT);
}

static pthread_once_t once_control = PTHREAD_ONCE_INIT;
static void count_once(void) { counter++; }
static void *call_once(void *i) {
  pthread_once(&once_control, count_once);
  return (void *)(counter == 1 ? 0 * (long)i : 1);
}
static void once(void) {
  NEED(all(8, call_once) == 0);
  NEED(counter == 1);
}

static pthread_spinlock_t spin_lock;
static void *add_spinning(void *i) {
  for (int k = 0; k < ROUNDS; k++) {
    pthread_spin_lock(&spin_lock);
    counter++;
    pthread_spin_unlock(&spin_lock);
  }
  return i;
}
static void spin(void) {
  pthread_spin_init(&spin_lock, PTHREAD_PROCESS_PRIVATE);
  all(N, add_spinning);
  NEED(counter == N * ROUNDS);
  NEED(pthread_spin_trylock(&spin_lock) == 0 && pthread_spin_trylock(&spin_lock) == EBUSY);
}

static void *announce(void *arg) {
  pthread_mutex_lock(&lock);
  counter++;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return arg;
}
static void detached(void) {
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 3; i++) {
    pthread_t t;
    NEED(pthread_create(&t, &a, announce, NULL) == 0);
  }
  pthread_mutex_lock(&lock);
  while (counter < 3) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void clean(void *arg) { *(long *)arg += 10; }
static void *cancellable(void *arg) {
  pthread_cleanup_push(clean, arg);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return NULL;
}
static void cancel(void) {
  pthread_t t;
  void *result;
  long cleaned = 1;
  pthread_create(&t, NULL, cancellable, &cleaned);
  NEED(pthread_cancel(t) == 0);
  NEED(pthread_join(t, &result) == 0);
  NEED(result == PTHREAD_CANCELED);
  NEED(cleaned == 11 || cleaned == 1); /* 1: cancelled before the handler was pushed */
}

static void *leave_process(void *arg) {
  usleep(20000);
  puts("exit-from-thread: ok");
  exit(4);
  return arg;
}
static void exit_from_thread(void) {
  pthread_t t;
  pthread_create(&t, NULL, leave_process, NULL);
  for (;;) pause();
}

static void *outlive_main(void *arg) {
  pthread_join(*(pthread_t *)arg, NULL);
  puts("main-exits: ok");
  return NULL;
}
static void main_exits(void) {
  static pthread_t self;
  pthread_t t;
  self = pthread_self();
  pthread_create(&t, NULL, outlive_main, &self);
  pthread_exit(NULL);
}

static pthread_mutex_t robust_mutex;
static void *die_holding(void *arg) {
  pthread_mutex_lock(&robust_mutex);
  return arg;
}
static void robust(void) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust_mutex, &a);
  all(1, die_holding);
  NEED(pthread_mutex_lock(&robust_mutex) == EOWNERDEAD);
  NEED(pthread_mutex_consistent(&robust_mutex) == 0);
  NEED(pthread_mutex_unlock(&robust_mutex) == 0);
  all(1, die_holding);
  NEED(pthread_mutex_lock(&robust_mutex) == EOWNERDEAD);
  NEED(pthread_mutex_unlock(&robust_mutex) == 0);
  NEED(pthread_mutex_lock(&robust_mutex) == ENOTRECOVERABLE);
}

static const struct { const char *name; void (*run)(void); } cases[] = {
    {"create-join", create_join}, {"many", many},         {"tls", tls},       {"mutex", mutex},
    {"cond", cond},               {"rwlock", rwlock},     {"barrier", barriers}, {"semaphore", semaphore},
    {"once", once},               {"spin", spin},         {"detached", detached}, {"cancel", cancel},
    {"robust", robust},           {"exit-from-thread", exit_from_thread}, {"main-exits", main_exits},
};

int main(int argc, char **argv) {
  for (unsigned i = 0; argc == 2 && i < sizeof cases / sizeof *cases; i++)
    if (!strcmp(argv[1], cases[i].name)) {
      cases[i].run();
      printf("%s: ok\n", cases[i].name);
      return 0;
    }
  fprintf(stderr, "usage: pthread-suite CASE\n");
  return 2;
}
