#pragma once

#include <string>

#include "ompq/report/comparison.h"

namespace ompq::report {

/// One line per row, with a header; RFC 4180.
[[nodiscard]] std::string to_csv(const Comparison& comparison);
[[nodiscard]] std::string to_csv(const Sweep& sweep);

}  // namespace ompq::report
