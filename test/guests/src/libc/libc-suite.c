/* glibc's larger machinery in one program: printf and strtod of doubles, qsort, setjmp, string functions, time,
   stdio files in memory, signals, math. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static jmp_buf back;
static volatile sig_atomic_t signals;
static void on_signal(int s) { signals += s; }

static int depth_then_jump(int n) {
  if (n == 0) longjmp(back, 7);
  return depth_then_jump(n - 1) + 1;
}

int main(void) {
  printf("%.3f %e %g %a\n", 2.0 / 3, 12345.678, 1e-5, 1.0);
  printf("%5d|%-5d|%05d|%x|%o|%c|%s|%p\n", 42, 42, 42, 255, 8, 'z', "text", (void *)16);
  printf("%lld %zu %.10Lg\n", -9223372036854775807LL - 1, sizeof(long double), 1.0L / 3);
  printf("%.17g %.17g\n", strtod("0.1", NULL), strtod("1.7976931348623157e308", NULL));
  errno = 0;
  double huge = strtod("1e999", NULL);
  printf("%d %d\n", isinf(huge) != 0, errno == ERANGE);

  int values[100];
  for (int i = 0; i < 100; i++) values[i] = i * 37 % 101;
  qsort(values, 100, sizeof *values, by_value);
  int sorted = 1;
  for (int i = 1; i < 100; i++) sorted &= values[i - 1] <= values[i];
  printf("sorted %d\n", sorted);

  int jumped = setjmp(back);
  if (jumped == 0) depth_then_jump(20);
  printf("jumped %d\n", jumped);

  char text[64] = "one,two;three", *rest = NULL;
  for (char *t = strtok_r(text, ",;", &rest); t; t = strtok_r(NULL, ",;", &rest)) printf("[%s]", t);
  printf("%s %d %s\n", strstr("haystack", "st"), (int)strspn("aabbc", "ab"), (char *)memchr("abcdef", 'd', 6));

  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  printf("signal %d\n", signals == SIGUSR1);

  char *memory;
  size_t size;
  FILE *f = open_memstream(&memory, &size);
  for (int i = 0; i < 5; i++) fprintf(f, "%d ", i * i);
  fclose(f);
  printf("%zu bytes: %s\n", size, memory);
  free(memory);

  time_t t = 86400 * 365;
  struct tm *tm = gmtime(&t);
  printf("%d-%02d-%02d\n", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
  volatile double half = 0.5, two = 2;
  printf("%.6f %.6f %.6f %.6f\n", sin(half), exp(half), pow(two, half), log(two));
  return 0;
}
