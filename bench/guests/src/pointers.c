/* pointers [NODES [ROUNDS]]: a shuffled list walked and a binary search tree searched; dependent loads. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
  struct node *next, *left, *right;
  uint64_t key;
};

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000, rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 80;
  struct node *nodes = calloc(n, sizeof *nodes), *root = NULL;
  uint32_t *order = malloc(n * sizeof *order);
  uint64_t seed = 42, sum = 0;
  for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
  for (size_t i = n - 1; i > 0; i--) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    size_t j = (seed >> 33) % (i + 1);
    uint32_t t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (size_t i = 0; i < n; i++) {
    struct node *now = &nodes[order[i]], **at = &root;
    now->next = &nodes[order[(i + 1) % n]];
    now->key = (uint64_t)order[i] * 2;
    while (*at) at = now->key < (*at)->key ? &(*at)->left : &(*at)->right;
    *at = now;
  }
  for (size_t r = 0; r < rounds; r++) {
    struct node *p = &nodes[r % n];
    for (size_t i = 0; i < n; i++) {
      sum += p->key;
      p = p->next;
    }
    for (size_t i = 0; i < n / 4; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      uint64_t key = (seed >> 33) % (2 * n);
      struct node *q = root;
      while (q && q->key != key) q = key < q->key ? q->left : q->right;
      sum += q != NULL;
    }
  }
  printf("pointers %zu %llu\n", n, (unsigned long long)sum);
  return 0;
}
