#include "ompq/pipeline/rounded_weights.h"

#include "ompq/allocation/cost_model.h"

namespace ompq::pipeline {

Tensor RoundedWeights::get(std::size_t layer, BitWidth width) {
  const auto [slot, added] = codes_.try_emplace({layer, width.value()});
  if (added) {
    slot->second =
        tuning::quantize_weight(model_.graph, model_.discovery.layers[layer], width, options_);
  }
  return quant::dequantize(slot->second);
}

Tensor RoundedWeights::get(std::size_t layer, int weight_bits) {
  if (weight_bits == allocation::kFloatBits) {
    return *model_.graph.value(model_.discovery.layers[layer].weight).constant;
  }
  return get(layer, BitWidth(weight_bits));
}

}  // namespace ompq::pipeline
