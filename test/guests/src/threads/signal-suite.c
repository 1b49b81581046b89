/* Signals as glibc programs use them: interrupted and restarted calls, waiting, queues, timers, threads, stacks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fenv.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int bad;
static void check(int ok, const char *what, int line) {
  if (ok) return;
  bad++;
  printf("  line %d: %s\n", line, what);
}
#define CHECK(e) check((e), #e, __LINE__)

static volatile sig_atomic_t hits, last_value, last_code;
static volatile sig_atomic_t order[32];
static volatile pthread_t handled_by;

static void note(int signo, siginfo_t *info, void *context) {
  (void)context;
  order[hits % 32] = signo;
  last_value = info->si_value.sival_int;
  last_code = info->si_code;
  handled_by = pthread_self();
  hits++;
}

static void on(int signo, int flags) {
  struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
  CHECK(sigaction(signo, &a, NULL) == 0);
  hits = 0;
}

static void pause_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}

/*
 * A thread that sends signals to another, one or (since nobody knows when the other one begins to wait) until it has had
 * enough, and then a byte into a pipe.
 */
struct poker { pthread_t to; int signo, fd, once; };
static volatile sig_atomic_t enough;
static void *poke(void *arg) {
  struct poker *p = arg;
  do {
    pause_ms(50);
    pthread_kill(p->to, p->signo);
  } while (!p->once && !enough);
  if (p->fd >= 0) {
    pause_ms(50);
    if (write(p->fd, "x", 1) != 1) bad++;
  }
  return NULL;
}

static pthread_t start(struct poker *p) {
  pthread_t t;
  enough = 0;
  pthread_create(&t, NULL, poke, p);
  return t;
}

static void stop(pthread_t t) {
  enough = 1;
  pthread_join(t, NULL);
}

static void interrupted(void) {
  int fds[2];
  char c = 0;
  CHECK(pipe(fds) == 0);
  struct poker p = {pthread_self(), SIGUSR1, fds[1], 0};
  on(SIGUSR1, 0);
  pthread_t t = start(&p);
  CHECK(read(fds[0], &c, 1) == -1 && errno == EINTR);
  stop(t);
  CHECK(read(fds[0], &c, 1) == 1 && c == 'x');

  on(SIGUSR1, SA_RESTART);
  p.once = 1;
  t = start(&p);
  CHECK(read(fds[0], &c, 1) == 1); /* made again after the handler */
  CHECK(hits == 1);
  stop(t);

  p.fd = -1;
  p.once = 0;
  t = start(&p);
  struct timespec ask = {600, 0}, left = {0, 0};
  CHECK(nanosleep(&ask, &left) == -1 && errno == EINTR); /* never made again */
  CHECK(left.tv_sec > 0 && left.tv_sec < 600);
  stop(t);

  t = start(&p);
  struct pollfd ready = {fds[0], POLLIN, 0};
  CHECK(poll(&ready, 1, -1) == -1 && errno == EINTR);
  stop(t);

  sem_t sem;
  sem_init(&sem, 0, 0);
  on(SIGUSR1, 0);
  t = start(&p);
  CHECK(sem_wait(&sem) == -1 && errno == EINTR);
  stop(t);

  /* Without a handler the call goes on. */
  signal(SIGUSR1, SIG_IGN);
  p.once = 1;
  p.fd = fds[1];
  t = start(&p);
  CHECK(read(fds[0], &c, 1) == 1);
  stop(t);
  close(fds[0]);
  on(SIGPIPE, 0);
  CHECK(write(fds[1], "y", 1) == -1 && errno == EPIPE && hits == 1);
  close(fds[1]);
}

static void waiting(void) {
  sigset_t set, before, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  on(SIGUSR1, 0);
  on(SIGUSR2, 0);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
  raise(SIGUSR2);
  kill(getpid(), SIGUSR1);
  CHECK(hits == 0);
  CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2));
  CHECK(!sigismember(&pending, SIGINT));
  CHECK(sigsuspend(&before) == -1 && errno == EINTR);
  CHECK(hits == 2 && order[0] + order[1] == SIGUSR1 + SIGUSR2);
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &pending) == 0 && sigismember(&pending, SIGUSR1));

  struct timespec soon = {0, 20000000};
  siginfo_t info;
  CHECK(sigtimedwait(&set, &info, &soon) == -1 && errno == EAGAIN);
  union sigval v = {.sival_int = 4711};
  CHECK(sigqueue(getpid(), SIGUSR2, v) == 0);
  CHECK(sigwaitinfo(&set, &info) == SIGUSR2);
  CHECK(info.si_signo == SIGUSR2 && info.si_code == SI_QUEUE && info.si_value.sival_int == 4711);
  CHECK(info.si_pid == getpid() && info.si_uid == getuid());
  struct poker p = {pthread_self(), SIGUSR1, -1, 1};
  pthread_t t = start(&p);
  int got;
  CHECK(sigwait(&set, &got) == 0 && got == SIGUSR1);
  stop(t);
  CHECK(hits == 2);

  /* Real-time signals queue, lowest number first and then in order; each standard signal is there once. */
  sigset_t rt;
  sigemptyset(&rt);
  for (int i = 0; i < 2; i++) {
    on(SIGRTMIN + i, 0);
    sigaddset(&rt, SIGRTMIN + i);
  }
  pthread_sigmask(SIG_BLOCK, &rt, NULL);
  for (int i = 0; i < 3; i++) {
    v.sival_int = i;
    sigqueue(getpid(), SIGRTMIN + 1, v);
    sigqueue(getpid(), SIGRTMIN, v);
    raise(SIGUSR1);
  }
  hits = 0;
  for (int i = 0; i < 3; i++) CHECK(sigwaitinfo(&rt, &info) == SIGRTMIN && info.si_value.sival_int == i);
  for (int i = 0; i < 3; i++) CHECK(sigwaitinfo(&rt, &info) == SIGRTMIN + 1 && info.si_value.sival_int == i);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  CHECK(hits == 1 && order[0] == SIGUSR1);
}

static void timers(void) {
  on(SIGALRM, 0);
  struct itimerval every = {{0, 30000}, {0, 30000}}, was;
  CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
  while (hits < 3) pause_ms(1);
  CHECK(getitimer(ITIMER_REAL, &was) == 0 && was.it_interval.tv_usec == 30000 && was.it_value.tv_usec <= 30000);
  memset(&every, 0, sizeof every);
  CHECK(setitimer(ITIMER_REAL, &every, &was) == 0 && was.it_interval.tv_usec == 30000);
  CHECK(alarm(10000) == 0 && alarm(0) > 5000);

  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  timer_t timer;
  on(SIGRTMIN, 0);
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  struct itimerspec once = {{0, 0}, {0, 20000000}};
  CHECK(timer_settime(timer, 0, &once, NULL) == 0);
  while (hits < 1) pause_ms(1);
  CHECK(last_value == 77 && last_code == SI_TIMER);
  CHECK(timer_gettime(timer, &once) == 0 && once.it_value.tv_sec == 0 && once.it_value.tv_nsec == 0);
  CHECK(timer_getoverrun(timer) == 0);
  CHECK(timer_delete(timer) == 0);

  /* A loop that makes no calls is interrupted as well. */
  on(SIGALRM, 0);
  every.it_value.tv_usec = 20000;
  setitimer(ITIMER_REAL, &every, NULL);
  for (volatile unsigned long n = 0; hits == 0; n++) {
  }
  CHECK(hits == 1);
}

static sem_t ready, done;
static void *bystander(void *arg) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  if (arg != NULL) pthread_sigmask(SIG_BLOCK, &set, NULL);
  sem_post(&ready);
  while (sem_wait(&done) != 0) {
  }
  return NULL;
}

static sig_atomic_t volatile spinning = 1;
static void stop_spin(int signo) {
  (void)signo;
  spinning = 0;
}
static void *spinner(void *arg) {
  (void)arg;
  sem_post(&ready);
  while (spinning) {
  }
  return NULL;
}

static void threads(void) {
  sem_init(&ready, 0, 0);
  sem_init(&done, 0, 0);
  pthread_t blocks, takes, spins;
  on(SIGUSR1, 0);
  pthread_create(&blocks, NULL, bystander, (void *)1);
  pthread_create(&takes, NULL, bystander, NULL);
  sem_wait(&ready);
  sem_wait(&ready);
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  kill(getpid(), SIGUSR1); /* only one thread may take it */
  while (hits == 0) pause_ms(1);
  CHECK(pthread_equal(handled_by, takes));
  pthread_kill(pthread_self(), SIGUSR1);
  CHECK(hits == 1);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  CHECK(hits == 2 && pthread_equal(handled_by, pthread_self()));
  sem_post(&done);
  sem_post(&done);
  pthread_join(blocks, NULL);
  pthread_join(takes, NULL);
  signal(SIGUSR2, stop_spin);
  pthread_create(&spins, NULL, spinner, NULL);
  sem_wait(&ready);
  pthread_kill(spins, SIGUSR2);
  pthread_join(spins, NULL);
  CHECK(!spinning);
}

static sigjmp_buf back;
static void leap(int signo) { siglongjmp(back, signo); }

static int deeper(int n) {
  volatile char room[4096];
  room[0] = (char)n;
  return deeper(n + 1) + room[0];
}

static void stacks(void) {
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536}, now;
  CHECK(sigaltstack(&stack, NULL) == 0 && sigaltstack(NULL, &now) == 0);
  CHECK(now.ss_sp == stack.ss_sp && now.ss_size == 65536 && now.ss_flags == 0);
  struct sigaction a = {.sa_handler = leap, .sa_flags = SA_ONSTACK};
  sigaction(SIGSEGV, &a, NULL);
  for (int i = 0; i < 3; i++) {
    int got = sigsetjmp(back, 1);
    if (got == 0) deeper(0);
    CHECK(got == SIGSEGV);
  }
  for (int i = 0; i < 3; i++) {
    int got = sigsetjmp(back, 1);
    if (got == 0) *(volatile int *)(long)(16 * i) = 1;
    CHECK(got == SIGSEGV);
  }
  signal(SIGABRT, leap);
  if (sigsetjmp(back, 1) == 0) abort();
  signal(SIGABRT, SIG_DFL);
}

static volatile double disturbed;
static void arithmetic(int signo) {
  (void)signo;
  fesetround(FE_TOWARDZERO);
  disturbed = 1.0 / 3.0 + disturbed;
  hits++;
}

static void floating(void) {
  signal(SIGUSR1, arithmetic);
  hits = 0;
  feclearexcept(FE_ALL_EXCEPT);
  fesetround(FE_UPWARD);
  double x = 1, y = 0.1;
  for (int i = 0; i < 50; i++) {
    if (i % 10 == 0) raise(SIGUSR1);
    x = x * 2;
  }
  CHECK(hits == 5 && x == 1125899906842624.0 && y == 0.1);
  CHECK(fegetround() == FE_UPWARD && fetestexcept(FE_INEXACT) == 0);
  fesetround(FE_TONEAREST);
}

int main(void) {
  struct { const char *name; void (*run)(void); } parts[] = {
      {"interrupted calls", interrupted}, {"waiting", waiting}, {"timers", timers},
      {"threads", threads}, {"stacks", stacks}, {"floating point", floating}};
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
    int before = bad;
    parts[i].run();
    printf("%s: %s\n", parts[i].name, bad == before ? "ok" : "FAILED");
    fflush(stdout);
  }
  return bad != 0;
}
