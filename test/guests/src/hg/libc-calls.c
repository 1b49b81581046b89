/* Threads that use the C library at once, each with data of its own: no race. */
#include "hg.h"

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void *work(void *arg) {
  FILE *sink = arg;
  for (int i = 0; i < 5; i++) {
    char *text = malloc(200 + i * 50), day[40], message[40];
    snprintf(text, 200, "%d %s %g", i, "words", 1.5 * i);
    fprintf(sink, "%s\n", text);
    text = realloc(text, 5000);
    time_t now = time(NULL);
    struct tm local;
    strftime(day, sizeof day, "%c", localtime_r(&now, &local));
    char *copies[] = {strdup(text), strdup(day), strdup(strerror_r(EINVAL, message, sizeof message))};
    qsort(copies, 3, sizeof *copies, by_text);
    MUST(strtod(text, NULL) == i && strcmp(copies[0], copies[1]) <= 0);
    for (int k = 0; k < 3; k++) free(copies[k]);
    free(text);
    FILE *own = fopen("/dev/null", "w");
    MUST(own && fputs("own", own) >= 0 && fclose(own) == 0);
    MUST(fflush(sink) == 0 && getenv("PATH") != NULL);
  }
  return arg;
}

int main(void) {
  FILE *sink = fopen("/dev/null", "w");
  MUST(sink);
  setenv("PATH", "/bin", 0);
  pthread_t t[3];
  for (int i = 0; i < 3; i++) t[i] = begin(work, sink);
  for (int i = 0; i < 3; i++) end(t[i]);
  puts("libc-calls: done");
}
