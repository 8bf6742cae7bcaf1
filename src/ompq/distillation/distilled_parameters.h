#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::distillation {

/// Adam over a few numbers: moments and the step they make.
class AdamMoments {
 public:
  explicit AdamMoments(std::size_t count) : first_(count, 0.0F), second_(count, 0.0F) {}
  /// values -= rate x the normalized gradient. `number` counts from 1.
  void update(std::span<const float> gradients,
              double rate,
              std::int64_t number,
              std::span<float> values);
  /// Both moments, for who keeps or restores them.
  [[nodiscard]] std::vector<float>& first() { return first_; }
  [[nodiscard]] std::vector<float>& second() { return second_; }

 private:
  std::vector<float> first_;
  std::vector<float> second_;
};

/// A weight whose scales, and on demand levels, are tuned: weight = scale x level, the scale being
/// the short one next to base x exp(t), the level the whole number next to u.
/// Source: Esser et al. 2020 (LSQ) for the gradients, straight through both roundings.
class DistilledWeight {
 public:
  /// @param weight   the float weight: u starts on its side of the code, where it is within it.
  /// @param initial  codes to start from.
  DistilledWeight(const Tensor& weight, const quant::QuantizedTensor& initial);

  void write_weights(std::span<float> weights) const;
  /// Short scales as they are now, one a channel.
  [[nodiscard]] const std::vector<float>& scales() const { return scales_; }
  /// @param gradients  of the loss by the weights.
  void update(std::span<const float> gradients,
              double scale_rate,
              double level_rate,
              std::int64_t number);
  [[nodiscard]] quant::QuantizedTensor codes() const;

  /// Calls `visit(name, numbers)` for everything that learning has changed; whoever writes to the
  /// numbers calls restored() after it.
  template <typename Visit>
  void visit(const Visit& visit) {
    visit("t", t_);
    visit("t first", t_moments_.first());
    visit("t second", t_moments_.second());
    visit("u", u_);
    visit("u first", u_moments_.first());
    visit("u second", u_moments_.second());
  }
  void restored() { refresh_scales(); }

 private:
  [[nodiscard]] float level(std::size_t i) const;
  void refresh_scales();

  quant::QuantizedTensor initial_;
  std::vector<std::uint32_t> slice_;  ///< channel of each element
  std::vector<float> scales_;         ///< short, by channel
  std::vector<float> t_;              ///< logarithm of scale / initial scale
  std::vector<float> u_;              ///< by element, in steps from the zero point
  AdamMoments t_moments_;
  AdamMoments u_moments_;
};

}  // namespace ompq::distillation
