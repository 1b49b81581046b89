// Threads share std::cout, and hand values over by futures: every use below is correct.
#include <cstdlib>
#include <future>
#include <iostream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static void talk(int n) {
  for (int i = 0; i < 3; i++) std::cout << "." << std::flush;
  std::ostringstream own;
  own << n << 1.5;
  if (own.str() != std::to_string(n) + "1.5") std::abort();
}

static int thrower() { throw std::runtime_error("thrown"); }

int main() {
  std::vector<std::thread> talkers;
  for (int i = 0; i < 3; i++) talkers.emplace_back(talk, i);
  for (auto &t : talkers) t.join();

  std::promise<std::vector<int>> promise;
  auto promised = promise.get_future();
  std::thread giver([&] { promise.set_value({1, 2, 3}); });
  auto numbers = promised.get();
  if (std::accumulate(numbers.begin(), numbers.end(), 0) != 6) std::abort();
  giver.join();

  std::packaged_task<long(long)> task([](long x) { return x + 1; });
  auto result = task.get_future().share();
  std::thread doer(std::move(task), 41);
  std::thread reader([result] {
    if (result.get() != 42) std::abort();
  });
  if (result.get() != 42) std::abort();
  doer.join();
  reader.join();

  auto text = std::async(std::launch::async, [] { return std::string("text"); });
  if (text.get() != "text") std::abort();
  try {
    std::async(std::launch::async, thrower).get();
  } catch (std::runtime_error &e) {
    std::cout << " streams: " << e.what() << '\n';
  }
}
