/* Destructors of thread-specific data run on the thread, before whoever joins it goes on. */
#include "hg.h"

static pthread_key_t key;
static long destroyed[2];

static void destroy(void *p) {
  destroyed[*(long *)p]++;
  free(p);
}

static void *work(void *arg) {
  long *mine = malloc(sizeof *mine);
  *mine = (long)arg;
  pthread_setspecific(key, mine);
  if (*mine) pthread_exit(NULL);
  return NULL;
}

int main(void) {
  pthread_key_create(&key, destroy);
  pthread_t a = begin(work, (void *)0), b = begin(work, (void *)1);
  end(a);
  end(b);
  printf("tls-destructor: %ld %ld\n", destroyed[0], destroyed[1]);
}
