#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/ptq/quantize_options.h"

namespace ompq::ptq {

/// The fingerprint of a quantization, see search/fingerprint.h.
/// @param tuning  samples of the method.
[[nodiscard]] std::string fingerprint_of(const pipeline::Model& model,
                                         const pipeline::Samples& samples,
                                         const std::vector<std::int64_t>& tuning,
                                         const QuantizeOptions& options);

}  // namespace ompq::ptq
