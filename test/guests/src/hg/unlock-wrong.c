/* Three ways to unlock what one does not hold. */
#include "hg.h"

static pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER, theirs = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
static sem_t locked, over;

static void *work(void *arg) {
  pthread_mutex_lock(&theirs);
  sem_post(&locked);
  sem_wait(&over);
  return arg;
}

int main(void) {
  sem_init(&locked, 0, 0);
  sem_init(&over, 0, 0);
  pthread_t t = begin(work, NULL);
  sem_wait(&locked);
  pthread_mutex_unlock(&theirs);
  pthread_mutex_lock(&mine);
  pthread_mutex_unlock(&mine);
  pthread_mutex_unlock(&mine);
  pthread_mutex_unlock(&never);
  sem_post(&over);
  end(t);
  puts("unlock-wrong: done");
}
