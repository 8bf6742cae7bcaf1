#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "ompq/pipeline/delivery.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/rounding_method.h"
#include "ompq/pipeline/search.h"

namespace ompq::pipeline {

struct QuantizeOptions {
  SearchOptions search;
  /// Widths to use instead of searching.
  std::optional<std::filesystem::path> allocation_file;
  tuning::CalibrationOptions calibration;
  MethodOptions method;
  std::int64_t tuning_samples = 0;  ///< that the method works with; 0: samples_wanted()
  /// Where a method that takes long keeps what is finished; empty: next to the output.
  std::filesystem::path journal;
  std::filesystem::path output;
  /// The form of `output`; budgets count search.form whatever it is.
  Delivery delivery = Delivery::Onnx;
  EvaluateOptions evaluation;
  bool explain = false;  ///< find out where the result loses its signal
  /// Told what a method will cost, before it and the search begin; may be empty.
  std::function<void(const report::MethodCost&)> announce;
};

/// Post-training quantization: widths (searched or read), activation ranges from `samples`, weights
/// rounded by the method (the allocators that stand next to it to nearest), the file written
/// atomically, and the result measured on `evaluation` (samples that calibration did not see)
/// next to the float network and the other allocators. Labels decide top-1; the float network
/// decides fidelity.
///
/// A method works with more samples of the same source: never with those of `evaluation`. What it
/// has finished is in a journal, and so are the widths that were searched, so that the same call
/// goes on after a kill and writes the same file.
[[nodiscard]] report::Quantization quantize(const Model& model,
                                            Samples& samples,
                                            Samples& evaluation,
                                            const QuantizeOptions& options,
                                            const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
