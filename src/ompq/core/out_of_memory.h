#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ompq/core/error.h"

namespace ompq {

/// The error for a failed allocation: what was needed, what the process has and may have, and the
/// way out.
/// @param where  the part that needed it, such as a node; "memory" if unknown.
/// @param needed_bytes  of the allocation that failed.
[[nodiscard]] OutOfMemory out_of_memory(std::string_view where = "memory",
                                        std::optional<std::int64_t> needed_bytes = std::nullopt);

/// The error for a thread that the system does not start.
[[nodiscard]] OutOfMemory out_of_threads();

}  // namespace ompq
