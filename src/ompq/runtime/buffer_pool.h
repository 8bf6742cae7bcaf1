#pragma once

#include <cstddef>
#include <memory>

#include <ATen/ATen.h>

namespace ompq::runtime {

/// Memory for activations, used again as soon as a tensor dies. A fresh 100 MB block costs some
/// 25,000 page faults, which is as long as the convolution that fills it; LibTorch's own allocator
/// hands such blocks back to the system every time. Tensors may outlive the pool; copies share it.
/// Safe to use from several threads.
class BufferPool {
 public:
  BufferPool();

  /// Uninitialized, dense; 4-D tensors are channels_last.
  [[nodiscard]] at::Tensor empty(at::IntArrayRef sizes, at::ScalarType type);

  /// Bytes in tensors that are alive, and in blocks that wait for one.
  [[nodiscard]] std::size_t live_bytes() const;
  [[nodiscard]] std::size_t idle_bytes() const;

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace ompq::runtime
