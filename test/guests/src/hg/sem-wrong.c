/* Semaphores: too large a value, and posted past its end. */
#include "hg.h"
#include <limits.h>

int main(void) {
  sem_t s;
  MUST(sem_init(&s, 0, UINT_MAX) == -1 && errno == EINVAL);
  MUST(sem_init(&s, 0, SEM_VALUE_MAX) == 0);
  MUST(sem_post(&s) == -1 && errno == EOVERFLOW);
  puts("sem-wrong: done");
}
