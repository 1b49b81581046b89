// std::shared_ptr counts its owners with atomics; the last one destroys. std::atomic flags and call_once. No race.
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

struct Thing {
  long value = 7;
  ~Thing() { value = 0; }
};

static std::once_flag once;
static long made;
static std::atomic<bool> ready{false};
static long late;

int main() {
  auto thing = std::make_shared<Thing>();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([copy = thing, i]() mutable {
      std::call_once(once, [] { made = 1; });
      if (made != 1 || copy->value != 7) std::abort();
      if (i == 0) {
        late = 5;
        ready.store(true, std::memory_order_release);
      } else {
        while (!ready.load(std::memory_order_acquire)) std::this_thread::yield();
        if (late != 5) std::abort();
      }
      static const long local = copy->value * 2;
      if (local != 14) std::abort();
      copy.reset();
    });
  thing.reset();
  for (auto &t : threads) t.join();
  std::puts("shared-ptr: done");
}
