// What C++ has for threads: every use below is correct.
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <cstdio>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <vector>

static std::mutex m;
static std::recursive_mutex rm;
static std::timed_mutex tm_;
static std::shared_mutex sm;
static std::condition_variable cv;
static std::once_flag flag;
static long count, timed, ready, record, prepared;

struct Table {
  long v[4] = {1, 2, 3, 4};
};
static const Table &table() {
  static Table t;
  return t;
}

static void work() {
  std::call_once(flag, [] { prepared = 1; });
  if (prepared != 1 || table().v[3] != 4) std::abort();
  for (int i = 0; i < 10; i++) {
    std::lock_guard a(m);
    std::scoped_lock b(rm);
    count++;
  }
  {
    std::unique_lock l(tm_, std::chrono::seconds(60));
    if (!l) std::abort();
    timed++;
  }
  {
    std::unique_lock w(sm);
    record++;
  }
  {
    std::shared_lock r(sm);
    if (record < 1) std::abort();
  }
  std::lock_guard l(m);
  ready++;
  cv.notify_all();
}

int main() {
  std::thread a(work), b(work);
  {
    std::unique_lock l(m);
    cv.wait(l, [] { return ready == 2; });
  }
  a.join();
  b.join();

  auto shared = std::make_shared<long>(1);
  std::latch latch(2);
  std::binary_semaphore sem(0);
  long by_latch[2] = {}, by_sem = 0;
  {
    std::jthread c([&, shared] {
      by_latch[0] = *shared;
      latch.count_down();
      by_sem = 5;
      sem.release();
    });
    std::jthread d([&, shared] {
      by_latch[1] = *shared;
      latch.count_down();
    });
    shared.reset();
    latch.wait();
    if (by_latch[0] + by_latch[1] != 2) return 2;
    sem.acquire();
    if (by_sem != 5) return 2;
  }
  std::printf("std: %ld %ld\n", count + timed, record);
}
