#pragma once

namespace ompq {

/// The version of ompq, "major.minor.patch".
[[nodiscard]] const char* version();

}  // namespace ompq
