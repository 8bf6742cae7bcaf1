#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/search.h"

namespace ompq::pipeline {

struct QuantizeOptions {
  SearchOptions search;
  /// Widths to use instead of searching.
  std::optional<std::filesystem::path> allocation_file;
  tuning::CalibrationOptions calibration;
  std::filesystem::path output;
  EvaluateOptions evaluation;
};

/// Post-training quantization: widths (searched or read), activation ranges from `samples`, weights
/// rounded to nearest, the file written atomically, and the result measured on `evaluation`
/// (samples that calibration did not see) beside the float network and the other allocators. Labels
/// decide top-1; the float network decides fidelity.
[[nodiscard]] report::Quantization quantize(const Model& model,
                                            Samples& samples,
                                            Samples& evaluation,
                                            const QuantizeOptions& options,
                                            const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
