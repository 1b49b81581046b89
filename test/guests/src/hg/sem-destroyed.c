/* Posts to a semaphore that is destroyed. */
#include "hg.h"

int main(void) {
  sem_t s;
  sem_init(&s, 0, 0);
  sem_destroy(&s);
  sem_post(&s);
  puts("sem-destroyed: done");
}
