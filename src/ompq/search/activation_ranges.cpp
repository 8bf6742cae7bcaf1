#include "ompq/search/activation_ranges.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/targets/placement.h"

namespace ompq::search {
namespace {

pipeline::QuantizedInputs inputs_at(const pipeline::Model& model,
                                    const std::vector<int>& activation_bits) {
  std::vector<std::optional<int>> bits;
  for (const int width : activation_bits) {
    bits.push_back(width == allocation::kFloatBits ? std::nullopt : std::optional(width));
  }
  return pipeline::quantized_inputs(model, bits);
}

std::set<int> distinct_widths(const std::vector<int>& activation_bits) {
  std::set<int> widths(activation_bits.begin(), activation_bits.end());
  widths.erase(allocation::kFloatBits);
  return widths;
}

std::vector<int> all_at(int width, std::vector<int> activation_bits) {
  for (int& bits : activation_bits) {
    if (bits != allocation::kFloatBits) bits = width;
  }
  return activation_bits;
}

}  // namespace

ActivationRanges::ActivationRanges(const pipeline::Model& model,
                                   data::Dataset& dataset,
                                   std::vector<std::int64_t> indices,
                                   rounding::CalibrationOptions options)
    : model_(model),
      dataset_(dataset),
      indices_(std::move(indices)),
      options_(std::move(options)) {}

const targets::TargetRow& ActivationRanges::target() const {
  return targets::target(options_.target);
}

rounding::ActivationQuantizers ActivationRanges::calibrated(
    const std::vector<int>& activation_bits) const {
  const pipeline::QuantizedInputs inputs = inputs_at(model_, activation_bits);
  if (inputs.layers.empty()) return {};
  return rounding::calibrate_activations(
      model_.graph, inputs.layers, inputs.bits, dataset_, indices_, options_);
}

rounding::ActivationQuantizers ActivationRanges::combined(const std::vector<int>& activation_bits) {
  std::vector<const rounding::ActivationQuantizers*> calibrations;
  for (const int width : distinct_widths(activation_bits)) {
    calibrations.push_back(&quantizers(all_at(width, activation_bits)));
  }
  const pipeline::QuantizedInputs inputs = inputs_at(model_, activation_bits);
  const auto placement =
      targets::place_quantizers(model_.graph, inputs.layers, inputs.bits, target());
  rounding::ActivationQuantizers result;
  for (const auto& [value, place] : placement) {
    const bool own = place.same_as == graph::kNoValue;
    const BitWidth bits = own ? place.bits : placement.at(place.same_as).bits;
    const auto has_it = [&, value = value](const rounding::ActivationQuantizers* calibration) {
      const auto found = calibration->find(value);
      return found != calibration->end() && found->second.bits == bits;
    };
    const auto found = std::ranges::find_if(calibrations, has_it);
    if (found == calibrations.end()) return calibrated(activation_bits);
    result.emplace(value, (*found)->at(value));
  }
  return result;
}

const rounding::ActivationQuantizers& ActivationRanges::quantizers(
    const std::vector<int>& activation_bits) {
  const auto known = known_.find(activation_bits);
  if (known != known_.end()) return known->second;
  auto made = distinct_widths(activation_bits).size() > 1 ? combined(activation_bits)
                                                          : calibrated(activation_bits);
  return known_.emplace(activation_bits, std::move(made)).first->second;
}

}  // namespace ompq::search
