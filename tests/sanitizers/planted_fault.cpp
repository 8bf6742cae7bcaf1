// A fault for each sanitizer, to check that it reports faults with the options and suppressions of
// scripts/check_sanitizer.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

namespace {

int use_after_free() {
  auto* numbers = new std::vector<int>(8, 1);
  const int* first = numbers->data();
  delete numbers;
  return *first;
}

/// Loses a hundred blocks: the last one's address may still be in a register or on the stack.
int leak() {
  static void* volatile kept = nullptr;
  for (int i = 0; i < 100; ++i) kept = std::malloc(1024);
  kept = nullptr;
  return kept == nullptr ? 0 : 1;
}

int overflow(int count) {
  int largest = std::numeric_limits<int>::max();
  return largest + count;
}

int race() {
  int sum = 0;
  std::thread other([&] { ++sum; });
  ++sum;
  other.join();
  return sum;
}

int parallel_race() {
  int sum = 0;
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 100000; ++i) sum += i & 1;
  return sum;
}

/// Correct, and reported by a thread sanitizer that does not know OpenMP's barriers.
int parallel_sum() {
  std::vector<int> numbers(100000, 1);
#pragma omp parallel for num_threads(4)
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] += static_cast<int>(i & 1U);
  int sum = 0;
  for (const int number : numbers) sum += number;
  return sum;
}

int run(std::string_view fault, int count) {
  if (fault == "use-after-free") return use_after_free();
  if (fault == "leak") return leak();
  if (fault == "overflow") return overflow(count);
  if (fault == "race") return race();
  if (fault == "parallel-race") return parallel_race();
  if (fault == "none") return parallel_sum();
  std::fprintf(stderr, "planted_fault: unknown fault\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::printf("%d\n", run(argv[1], argc));
  return 0;
}
