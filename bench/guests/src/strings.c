/* strings [ROUNDS]: splits generated text into words and counts them in a hash table; byte loads, strcmp, strlen. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, TEXT = 1 << 20 };
struct entry {
  char word[16];
  uint32_t count;
};
static struct entry table[SLOTS];
static char text[TEXT + 1];

static void count(const char *word, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)word[i]) * 16777619u;
  char key[16];
  memcpy(key, word, length);
  key[length] = 0;
  for (uint32_t at = hash % SLOTS;; at = (at + 1) % SLOTS) {
    if (!table[at].count) strcpy(table[at].word, key);
    if (strcmp(table[at].word, key)) continue;
    table[at].count++;
    return;
  }
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 100;
  uint32_t seed = 7;
  for (size_t at = 0; at < TEXT;) {
    seed = seed * 1664525 + 1013904223;
    uint32_t number = (seed >> 16) % 97 * ((seed >> 8) % 101); /* fewer than 9,800 different words */
    do text[at++] = (char)((number & 1 ? 'a' : 'A') + number % 26);
    while ((number /= 5) && at < TEXT);
    if (at < TEXT) text[at++] = seed & 64 ? ' ' : '\n';
  }
  for (int r = 0; r < rounds; r++)
    for (char *p = text; *p;) {
      while (*p && isspace((unsigned char)*p)) p++;
      char *start = p;
      while (*p && !isspace((unsigned char)*p)) *p = (char)tolower((unsigned char)*p), p++;
      if (p > start) count(start, (size_t)(p - start));
    }
  uint64_t sum = 0, words = 0;
  for (int i = 0; i < SLOTS; i++) sum += (uint64_t)table[i].count * strlen(table[i].word), words += table[i].count != 0;
  printf("strings %llu %llu\n", (unsigned long long)words, (unsigned long long)sum);
  return 0;
}
