#include "text.h"

void *memset(void *p, int c, u64 n) {
  u8 *b = p;
  while (n--) *b++ = (u8)c;
  return p;
}

void *memcpy(void *to, const void *from, u64 n) {
  u8 *d = to;
  const u8 *s = from;
  while (n--) *d++ = *s++;
  return to;
}

u64 length(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}

int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

u64 number(const char *s) {
  u64 n = 0;
  for (; *s >= '0' && *s <= '9'; s++) n = n * 10 + (u64)(*s - '0');
  return n;
}

u64 arg_number(int argc, char **argv, int n, u64 otherwise) { return argc > n ? number(argv[n]) : otherwise; }

struct line {
  char text[512];
  u64 used;
};

static void add(struct line *l, char c) {
  if (l->used < sizeof l->text) l->text[l->used++] = c;
}

static void add_number(struct line *l, u64 v, u64 base) {
  char digits[24];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[v % base];
  while (v /= base);
  while (n) add(l, digits[--n]);
}

void put(const char *f, ...) {
  struct line l = {.used = 0};
  __builtin_va_list ap;
  __builtin_va_start(ap, f);
  for (; *f; f++) {
    if (*f != '%') {
      add(&l, *f);
      continue;
    }
    int wide = 0;
    if (*++f == 'l') wide = 1, f++;
    if (*f == 's') {
      for (const char *s = __builtin_va_arg(ap, const char *); *s; s++) add(&l, *s);
    } else if (*f == 'c') {
      add(&l, (char)__builtin_va_arg(ap, int));
    } else if (*f == 'd') {
      i64 v = wide ? __builtin_va_arg(ap, i64) : __builtin_va_arg(ap, int);
      if (v < 0) add(&l, '-');
      add_number(&l, v < 0 ? -(u64)v : (u64)v, 10);
    } else if (*f == 'u' || *f == 'x') {
      add_number(&l, wide ? __builtin_va_arg(ap, u64) : __builtin_va_arg(ap, u32), *f == 'x' ? 16 : 10);
    } else {
      add(&l, *f);
    }
  }
  __builtin_va_end(ap);
  emit(l.text, l.used);
}

static const char *current;
static u32 failed_here, failed_total;

static void close_section(void) {
  if (current) put(failed_here ? "%s: FAILED\n" : "%s: ok\n", current);
  failed_here = 0;
}

void section(const char *name) {
  close_section();
  current = name;
}

static void failed(void) {
  __atomic_fetch_add(&failed_here, 1, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&failed_total, 1, __ATOMIC_SEQ_CST);
}

void check_at(int line, const char *what, int holds) {
  if (holds) return;
  put("line %d: %s does not hold\n", line, what);
  failed();
}

void equal_at(int line, const char *what, u64 got, u64 want) {
  if (got == want) return;
  put("line %d: %s is 0x%lx, not 0x%lx\n", line, what, got, want);
  failed();
}

int finish(void) {
  close_section();
  current = NULL;
  return failed_total ? 1 : 0;
}
