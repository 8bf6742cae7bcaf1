#pragma once

#include <optional>
#include <string_view>

#include "ompq/core/error.h"

namespace ompq::ops {

/// The error for a failed allocation, if LibTorch's message reports one: LibTorch has no class for
/// it.
/// @param where  see out_of_memory().
[[nodiscard]] std::optional<OutOfMemory> allocation_failure(std::string_view message,
                                                            std::string_view where = "memory");

}  // namespace ompq::ops
