/* The threads of C11. */
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

static mtx_t m, r;
static cnd_t c;
static once_flag flag = ONCE_FLAG_INIT;
static tss_t key;
static long count, ready, prepared, gone;

static void prepare(void) { prepared = 3; }
static void destroy(void *p) { *(long *)p = 1; }

static int work(void *arg) {
  (void)arg;
  call_once(&flag, prepare);
  if (prepared != 3) exit(2);
  tss_set(key, &gone);
  for (int i = 0; i < 20; i++) {
    mtx_lock(&m);
    count++;
    mtx_unlock(&m);
    mtx_lock(&r);
    if (mtx_trylock(&r) != thrd_success) exit(2);
    mtx_unlock(&r);
    mtx_unlock(&r);
  }
  mtx_lock(&m);
  ready++;
  cnd_signal(&c);
  mtx_unlock(&m);
  return 9;
}

int main(void) {
  mtx_init(&m, mtx_timed);
  mtx_init(&r, mtx_plain | mtx_recursive);
  cnd_init(&c);
  tss_create(&key, destroy);
  thrd_t a, b;
  if (thrd_create(&a, work, NULL) != thrd_success) return 2;
  int result;
  mtx_lock(&m);
  while (ready < 1) cnd_wait(&c, &m);
  mtx_unlock(&m);
  if (thrd_join(a, &result) != thrd_success || result != 9 || gone != 1) return 2;
  if (thrd_create(&b, work, NULL) != thrd_success || thrd_join(b, &result) != thrd_success) return 2;
  mtx_destroy(&m);
  cnd_destroy(&c);
  printf("c11: %ld\n", count);
}
