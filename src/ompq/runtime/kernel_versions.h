#pragma once

#include <string>

namespace ompq::runtime {

/// The libraries whose kernels run networks: "LibTorch 1.13.1, oneDNN 2.6.3". Another version may
/// give outputs that differ in the last bit.
[[nodiscard]] std::string kernel_versions();

}  // namespace ompq::runtime
