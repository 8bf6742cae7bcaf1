#pragma once

#include <string>

namespace ompq::runtime {

/// The libraries whose kernels run networks, one "name version" line each. Another version may give
/// outputs that differ in the last bit.
[[nodiscard]] std::string kernel_versions();

}  // namespace ompq::runtime
