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
/// rounded by the method (to nearest for other allocators), the file written atomically, and the
/// result evaluated on the held-out samples `evaluation`, together with the float network and the
/// other allocators. Top-1 needs labels; fidelity is relative to the float network.
///
/// A method uses further samples of the same source, but never those of `evaluation`. Searched
/// widths and finished work of the method are stored in a journal, so that the same call resumes
/// after an interruption and writes the same file.
[[nodiscard]] report::Quantization quantize(const pipeline::Model& model,
                                            pipeline::Samples& samples,
                                            pipeline::Samples& evaluation,
                                            const QuantizeOptions& options,
                                            const ProgressHandler& progress = {});

}  // namespace ompq::ptq
