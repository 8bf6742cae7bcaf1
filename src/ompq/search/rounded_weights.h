#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/quantize_weights.h"

namespace ompq::search {

/// Every layer's weight at every width that anybody asked for, rounded once and kept as
/// codes (one byte a weight and width): metrics, candidates and refinement share it.
class RoundedWeights {
 public:
  RoundedWeights(const pipeline::Model& model, const rounding::WeightOptions& options)
      : model_(model), options_(options) {}

  /// Rounds all layers to all of `widths` at once, with as many threads (0: one a core).
  void prepare(const std::vector<int>& widths, int threads);

  /// Rounds all layers to all of `widths` with error compensation, from what each layer reads in
  /// the float network: what stands in for the codes that gptq will find after a quantized prefix.
  /// Layers whose inputs cannot be gathered are rounded to nearest.
  void prepare_compensated(const std::vector<int>& widths,
                           data::Dataset& dataset,
                           const std::vector<std::int64_t>& indices,
                           std::uint64_t seed,
                           int threads,
                           const ProgressHandler& progress);

  /// What the codes stand for, float32, of the weight's shape.
  [[nodiscard]] Tensor get(std::size_t layer, BitWidth width);
  /// The float weight itself for allocation::kFloatBits.
  [[nodiscard]] Tensor get(std::size_t layer, int weight_bits);

 private:
  /// The first layer that has the layer's weight.
  [[nodiscard]] std::size_t owner_of(std::size_t layer) const;

  const pipeline::Model& model_;
  rounding::WeightOptions options_;
  std::map<std::pair<std::size_t, int>, quant::QuantizedTensor> codes_;
};

}  // namespace ompq::search
