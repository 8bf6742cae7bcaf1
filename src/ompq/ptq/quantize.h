#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/ptq/delivery.h"
#include "ompq/ptq/quantize_options.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/search/search.h"

namespace ompq::ptq {

/// Post-training quantization: widths (searched or read), activation ranges from `samples`, weights
/// rounded by the method (the allocators that stand next to it to nearest), the file written
/// atomically, and the result measured on `evaluation` (samples that calibration did not see)
/// next to the float network and the other allocators. Labels decide top-1; the float network
/// decides fidelity.
///
/// A method works with more samples of the same source: never with those of `evaluation`. What it
/// has finished is in a journal, and so are the widths that were searched, so that the same call
/// goes on after a kill and writes the same file.
[[nodiscard]] report::Quantization quantize(const pipeline::Model& model,
                                            pipeline::Samples& samples,
                                            pipeline::Samples& evaluation,
                                            const QuantizeOptions& options,
                                            const ProgressHandler& progress = {});

}  // namespace ompq::ptq
