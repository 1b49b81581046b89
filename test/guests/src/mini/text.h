/* What guests of every kind share: integer types, text and checks. No system calls: emit() is the runtime's. */
#ifndef TEXT_H
#define TEXT_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long i64;
#define NULL ((void *)0)

/* Writes the program's output; at most 512 bytes at once. Each runtime has its own. */
void emit(const char *text, u64 bytes);

void *memset(void *p, int c, u64 n);
void *memcpy(void *to, const void *from, u64 n);
u64 length(const char *s);
int same(const char *a, const char *b);
/* Decimal text to number; 0 when there are no digits. */
u64 number(const char *s);
/* The n-th argument as a number, or a default. */
u64 arg_number(int argc, char **argv, int n, u64 otherwise);

/* One emit() per call, so that lines of several threads do not mix.
   Knows %s %c %d %u %x with l for 64 bits, and %%. */
void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Checks. A section prints "NAME: ok" when all of its checks held, otherwise one line for each failure.
   finish() closes the last section and gives the exit code: 0, or 1 after a failure. */
void section(const char *name);
void check_at(int line, const char *what, int holds);
void equal_at(int line, const char *what, u64 got, u64 want);
int finish(void);
#define CHECK(x) check_at(__LINE__, #x, !!(x))
#define EQUAL(got, want) equal_at(__LINE__, #got, (u64)(got), (u64)(want))
#endif
