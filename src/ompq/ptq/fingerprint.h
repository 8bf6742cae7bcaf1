#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/ptq/quantize_options.h"

namespace ompq::ptq {

/// Of a quantization, as search/fingerprint.h says.
/// @param tuning  samples that the method works with.
[[nodiscard]] std::string fingerprint_of(const pipeline::Model& model,
                                         const pipeline::Samples& samples,
                                         const std::vector<std::int64_t>& tuning,
                                         const QuantizeOptions& options);

}  // namespace ompq::ptq
