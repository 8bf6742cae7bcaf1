#pragma once

#include "ompq/runtime/executor.h"

namespace ompq::runtime {

/// What `asked` means on this processor: Auto is bfloat16 where products of it are native.
/// @throws ConfigError for bfloat16 without AVX-512.
[[nodiscard]] Precision resolve_precision(Precision asked);

}  // namespace ompq::runtime
