#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/progress.h"
#include "ompq/core/time_limit.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/quantize_weights.h"

namespace ompq::search {

/// How carefully weights are rounded to compare widths, see rounding::GptqOptions: less carefully
/// than in the end, since the bias is not measured and few ranges are enough.
struct TrialRounding {
  int tried_ranges = 2;
  int sweeps = 1;
};

/// Multiplications of rounding all layers to `widths` widths with error compensation.
[[nodiscard]] double trial_work(const pipeline::Model& model,
                                std::size_t samples,
                                std::size_t widths,
                                const TrialRounding& care);

/// A cache of rounded weights, by layer and width, stored as codes (one byte per weight and width).
/// Metrics, candidates and refinement share it.
class RoundedWeights {
 public:
  RoundedWeights(const pipeline::Model& model, const rounding::WeightOptions& options)
      : model_(model), options_(options) {}

  /// Rounds all layers to all of `widths` at once, with this number of threads (0: one per core).
  void prepare(const std::vector<int>& widths, int threads);

  /// Rounds all layers to all of `widths` with error compensation (gptq), using each layer's inputs
  /// in the float network as an approximation of those in the quantized one. Layers whose inputs
  /// cannot be gathered are rounded to nearest.
  /// @param care  how carefully.
  /// @param deadline  nullopt: none.
  /// @throws TimeIsUp as soon as it is clear that the work will not end before the deadline; all
  /// layers are rounded to nearest then.
  void prepare_compensated(const std::vector<int>& widths,
                           data::Dataset& dataset,
                           const std::vector<std::int64_t>& indices,
                           std::uint64_t seed,
                           int threads,
                           const ProgressHandler& progress,
                           const TrialRounding& care = {},
                           const std::optional<Deadline>& deadline = {});

  /// The dequantized weight, float32, with the weight's shape.
  [[nodiscard]] Tensor get(std::size_t layer, BitWidth width);
  /// For allocation::kFloatBits, the float weight.
  [[nodiscard]] Tensor get(std::size_t layer, int weight_bits);
  /// The weight's scales, one per channel or one.
  [[nodiscard]] const std::vector<float>& scales(std::size_t layer, BitWidth width);

 private:
  [[nodiscard]] const quant::QuantizedTensor& codes_of(std::size_t layer, BitWidth width);
  /// The first layer with the same weight.
  [[nodiscard]] std::size_t owner_of(std::size_t layer) const;

  const pipeline::Model& model_;
  rounding::WeightOptions options_;
  std::map<std::pair<std::size_t, int>, quant::QuantizedTensor> codes_;
};

}  // namespace ompq::search
