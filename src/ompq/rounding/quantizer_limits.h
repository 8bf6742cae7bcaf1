#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/short_scale.h"
#include "ompq/rounding/calibration.h"
#include "ompq/targets/target_table.h"

namespace ompq::rounding {

/// Which scales and zero points a target's kernels can use for a quantizer.
struct ScaleRule {
  bool is_short = true;  ///< quant::short_scale()
  bool keeps_zero_point = false;
  float smallest = 0.0F;
  /// With a larger one, the quantizer would not perform the Relu or Clip before it.
  float largest = std::numeric_limits<float>::infinity();

  /// The nearest allowed scale.
  [[nodiscard]] float apply(float scale, quant::Snap snap = quant::Snap::Nearest) const {
    const float wanted = is_short ? quant::short_scale(scale, snap) : scale;
    return std::clamp(wanted, smallest, largest);
  }
};

/// What a target's kernels require of activation quantizers, for methods that learn their scales.
struct QuantizerLimits {
  /// Values that repeat the quantizer of another one (targets::Place::same_as), with that one.
  std::map<graph::ValueId, graph::ValueId> same_as;
  /// Values of `same_as` that are quantized separately, not moved from the other one, and these
  /// other ones: a change of one scale affects several places.
  std::set<graph::ValueId> tied;
  std::set<graph::ValueId> fixed;             ///< with a quantizer that the target prescribes
  std::map<graph::ValueId, ScaleRule> rules;  ///< of all quantizers, with integer kernels

  /// The value whose quantizer is that of `value`: itself unless it repeats another one.
  [[nodiscard]] graph::ValueId source(graph::ValueId value) const {
    const auto found = same_as.find(value);
    return found == same_as.end() ? value : found->second;
  }
  /// True if the value has the levels of its source already, since operators only move them.
  [[nodiscard]] bool is_on_grid(graph::ValueId value) const {
    return same_as.contains(value) && !tied.contains(value);
  }
  /// Gives each value of `same_as` the quantizer of its source.
  void repeat(ActivationQuantizers& quantizers) const {
    for (const auto& [value, source] : same_as) {
      quantizers.insert_or_assign(value, quantizers.at(source));
    }
  }
  [[nodiscard]] ScaleRule rule(graph::ValueId value) const {
    const auto found = rules.find(value);
    return found == rules.end() ? ScaleRule{} : found->second;
  }
};

/// The limits of `quantizers` of the graph's values. None without integer kernels.
[[nodiscard]] QuantizerLimits quantizer_limits(const graph::Graph& graph,
                                               const std::vector<graph::Layer>& layers,
                                               const ActivationQuantizers& quantizers,
                                               const targets::TargetRow& target);

}  // namespace ompq::rounding
