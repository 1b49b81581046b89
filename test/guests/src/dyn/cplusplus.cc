// C++: exceptions through frames and threads, iostream, containers, std::thread, mutex, future, static guards.
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Trace {
  explicit Trace(int &n) : n(n) {}
  ~Trace() { n++; }
  int &n;
};

static int unwound;

static void thrower(int depth) {
  Trace t(unwound);
  if (depth == 0) throw std::runtime_error("thrown");
  thrower(depth - 1);
}

struct Base {
  virtual ~Base() = default;
  virtual int value() const { return 1; }
};
struct Derived : Base {
  int value() const override { return 2; }
};

static int &counted() {
  static int calls = [] { return 100; }();
  return calls;
}

int main() {
  try {
    thrower(5);
  } catch (const std::exception &e) {
    std::cout << "caught " << e.what() << " after " << unwound << " frames\n";
  }

  std::mutex lock;
  long sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 100; k++) {
        std::lock_guard<std::mutex> guard(lock);
        sum += i;
        counted()++;
      }
    });
  for (auto &t : threads) t.join();
  std::cout << "sum " << sum << ", static " << counted() << '\n';

  auto failing = std::async(std::launch::async, []() -> int { throw std::out_of_range("from a thread"); });
  try {
    failing.get();
  } catch (const std::out_of_range &e) {
    std::cout << "caught " << e.what() << '\n';
  }

  std::map<std::string, int> words;
  for (auto w : {"b", "a", "c", "a"}) words[w]++;
  for (auto &[word, n] : words) std::cout << word << '=' << n << ' ';
  std::unique_ptr<Base> object = std::make_unique<Derived>();
  std::cout << object->value() << ' ' << (dynamic_cast<Derived *>(object.get()) != nullptr) << '\n';
  std::cout.precision(3);
  std::cout << std::fixed << 2.0 / 3 << ' ' << std::hex << 255 << std::endl;
  return 0;
}
