/* A sequence lock around plain data: the reader reads what may be written meanwhile, which is a race although it
   looks at the sequence again. */
#include "race.h"

static atomic_uint sequence;
static long data;
static gate reading, written;

static void *writer(void *arg) {
  gate_wait(&reading);
  atomic_fetch_add(&sequence, 1);
  data = 1;
  atomic_fetch_add(&sequence, 1);
  gate_open(&written);
  return arg;
}

static void *reader(void *arg) {
  unsigned s, e;
  int times = 0;
  do {
    s = atomic_load(&sequence);
    volatile long seen = data;
    (void)seen;
    if (times++ == 0) {
      gate_open(&reading);
      gate_wait(&written);
    }
    e = atomic_load(&sequence);
  } while (s != e || (s & 1));
  return arg;
}

int main(void) {
  reading = gate_made();
  written = gate_made();
  pthread_t t = begin(writer, NULL), u = begin(reader, NULL);
  end(t);
  end(u);
  puts("seqlock-plain: done");
}
