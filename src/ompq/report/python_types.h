#pragma once

#include <string>

namespace ompq::report {

/// The Python file whose classes are the types of the JSON documents: python/ompq/results.py.
[[nodiscard]] std::string python_types();

}  // namespace ompq::report
