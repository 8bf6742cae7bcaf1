#pragma once

#include <cstdint>

namespace ompq::data {

/// The memory of images that several threads decode at the same time: at most memory_limit() for
/// all of them together, or one image that needs more. A thread has one of these while it reads a
/// sample; scopes within another one have no effect.
class DecodingMemory {
 public:
  DecodingMemory();
  ~DecodingMemory();
  DecodingMemory(const DecodingMemory&) = delete;
  DecodingMemory& operator=(const DecodingMemory&) = delete;

  /// Waits until other threads leave room for `bytes` more, and keeps it until this thread's scope
  /// ends. Does nothing without a scope. A second image of one scope does not wait.
  static void reserve(std::int64_t bytes);
  /// Bytes that all threads have reserved.
  [[nodiscard]] static std::int64_t reserved();

 private:
  std::int64_t bytes_ = 0;
  bool is_outermost_ = false;
};

}  // namespace ompq::data
