#pragma once

#include <cstddef>
#include <memory>

#include <ATen/ATen.h>

namespace ompq::runtime {

/// Memory for activations, reused as soon as a tensor is freed. A new 100 MB block causes about
/// 25,000 page faults, which take as long as the convolution that fills it; LibTorch's allocator
/// returns such blocks to the system every time. Tensors may outlive the pool; copies share it.
/// Thread-safe.
class BufferPool {
 public:
  BufferPool();

  /// Uninitialized, dense; 4-D tensors are channels_last.
  [[nodiscard]] at::Tensor empty(at::IntArrayRef sizes, at::ScalarType type);

  /// Bytes in live tensors, and in free blocks.
  [[nodiscard]] std::size_t live_bytes() const;
  [[nodiscard]] std::size_t idle_bytes() const;

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace ompq::runtime
