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

/// Which scales a target's kernels can use for a quantizer.
struct ScaleRule {
  bool is_short = true;  ///< quant::short_scale()
  /// The largest one with which the quantizer performs the Relu or Clip before it.
  float largest = std::numeric_limits<float>::infinity();

  /// The nearest allowed scale.
  [[nodiscard]] float apply(float scale, quant::Snap snap = quant::Snap::Nearest) const {
    return std::min(is_short ? quant::short_scale(scale, snap) : scale, largest);
  }
};

/// What a target's kernels require of activation quantizers, for methods that learn their scales.
struct QuantizerLimits {
  /// Values that repeat the quantizer of another one (targets::Place::same_as), with that one.
  std::map<graph::ValueId, graph::ValueId> same_as;
  /// Values of `same_as` that are quantized separately, not moved from the other one, and these
  /// other ones: a change of one scale affects several places.
  std::set<graph::ValueId> tied;
  bool short_scales = true;
  std::map<graph::ValueId, float> largest_scale;  ///< where there is a limit

  /// The value whose quantizer is that of `value`: itself unless it repeats another one.
  [[nodiscard]] graph::ValueId source(graph::ValueId value) const {
    const auto found = same_as.find(value);
    return found == same_as.end() ? value : found->second;
  }
  /// True if the value has the levels of its source already, since operators only move them.
  [[nodiscard]] bool is_on_grid(graph::ValueId value) const {
    return same_as.contains(value) && !tied.contains(value);
  }
  [[nodiscard]] ScaleRule rule(graph::ValueId value) const {
    const auto found = largest_scale.find(value);
    if (found == largest_scale.end()) return {.is_short = short_scales};
    return {.is_short = short_scales, .largest = found->second};
  }
};

/// The limits of `quantizers` of the graph's values. None without integer kernels.
[[nodiscard]] QuantizerLimits quantizer_limits(const graph::Graph& graph,
                                               const std::vector<graph::Layer>& layers,
                                               const ActivationQuantizers& quantizers,
                                               const targets::TargetRow& target);

}  // namespace ompq::rounding
