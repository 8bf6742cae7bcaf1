#pragma once

#include <torch/version.h>

namespace ompq::runtime {

/// While this lives, LibTorch 2 computes gradients without oneDNN 3, which reads memory that was
/// not set in gradients of convolutions' weights with channels last, and then may loop forever:
/// seen in 3.7.1 (LibTorch 2.7's own) and 3.7.2 (Debian 13's). LibTorch 1.13 uses oneDNN 2, without
/// this fault. Our own passes (convolution_passes.h) are not affected. Use around every call of
/// backward(). The setting is one of the process, so scopes may overlap on several threads, and the
/// last one restores it.
class BackwardScope {
 public:
  static constexpr bool kIsNeeded = TORCH_VERSION_MAJOR >= 2;

  BackwardScope();
  ~BackwardScope();
  BackwardScope(const BackwardScope&) = delete;
  BackwardScope& operator=(const BackwardScope&) = delete;
};

}  // namespace ompq::runtime
