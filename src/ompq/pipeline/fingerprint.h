#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/pipeline/compare.h"
#include "ompq/pipeline/quantize.h"

/// What the units of a journal depend on, as one hash: the program's version, the network with the
/// extents that it was read with, samples, and every option that can change a result, numbers to
/// the last bit. What only says where or how fast (threads, memory, names of files) is left out.
namespace ompq::pipeline {

/// @param tuning  samples that the method works with.
[[nodiscard]] std::string fingerprint_of(const Model& model,
                                         const Samples& samples,
                                         const std::vector<std::int64_t>& tuning,
                                         const QuantizeOptions& options);

/// Without budgets, allocators and the number of random allocations, which name the units.
[[nodiscard]] std::string fingerprint_of(const Model& model,
                                         const Samples& samples,
                                         const Samples& evaluation,
                                         const CompareOptions& options);

}  // namespace ompq::pipeline
