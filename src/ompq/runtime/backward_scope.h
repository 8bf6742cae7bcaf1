#pragma once

namespace ompq::runtime {

/// While this lives, LibTorch computes gradients without its own copy of oneDNN, if it has one.
/// That of LibTorch 2.7 reads memory that was not set in gradients of convolutions' weights with
/// channels last, and then may loop forever. Debian's LibTorch uses the system's oneDNN, which does
/// not. Our own passes (convolution_passes.h) are not affected. Use around every call of
/// backward(). The setting is one of the process, so scopes may overlap on several threads, and the
/// last one restores it.
class BackwardScope {
 public:
#ifdef OMPQ_TORCH_HAS_ONEDNN
  static constexpr bool kIsNeeded = true;
#else
  static constexpr bool kIsNeeded = false;
#endif

  BackwardScope();
  ~BackwardScope();
  BackwardScope(const BackwardScope&) = delete;
  BackwardScope& operator=(const BackwardScope&) = delete;
};

}  // namespace ompq::runtime
