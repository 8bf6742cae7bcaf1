#pragma once

#include <cstdint>

namespace ompq {

/// Bytes of memory that this process may use: the machine's, or the limit of its control group (a
/// container's), if that is less.
[[nodiscard]] std::int64_t machine_memory();

}  // namespace ompq
