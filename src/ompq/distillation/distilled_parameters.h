#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::distillation {

/// Adam for an array of numbers.
class AdamMoments {
 public:
  explicit AdamMoments(std::size_t count) : first_(count, 0.0F), second_(count, 0.0F) {}
  /// values -= rate x the normalized gradient. `number` counts from 1.
  void update(std::span<const float> gradients,
              double rate,
              std::int64_t number,
              std::span<float> values);
  /// Both moments, for saving and restoring.
  [[nodiscard]] std::vector<float>& first() { return first_; }
  [[nodiscard]] std::vector<float>& second() { return second_; }

 private:
  std::vector<float> first_;
  std::vector<float> second_;
};

/// A weight whose scales, and optionally levels, are tuned: weight = scale x level, with the short
/// scale nearest to base x exp(t) and the integer level nearest to u.
/// Source: Esser et al. 2020 (LSQ) for the gradients, straight through both roundings.
class DistilledWeight {
 public:
  /// @param weight   the float weight, from which u starts if it is within the code's cell.
  /// @param initial  the initial codes.
  DistilledWeight(const Tensor& weight, const quant::QuantizedTensor& initial);

  void write_weights(std::span<float> weights) const;
  /// The current short scales, one per channel.
  [[nodiscard]] const std::vector<float>& scales() const { return scales_; }
  /// @param gradients  of the loss by the weights.
  void update(std::span<const float> gradients,
              double scale_rate,
              double level_rate,
              std::int64_t number);
  [[nodiscard]] quant::QuantizedTensor codes() const;

  /// Calls `visit(name, numbers)` for all learned state; call restored() after writing to the
  /// numbers.
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
  /// True if `u` is rounded to `level` and not far outside the levels.
  [[nodiscard]] bool is_in_cell(std::size_t i, float level) const;
  void refresh_scales();

  quant::QuantizedTensor initial_;
  std::vector<std::uint32_t> slice_;  ///< channel of each element
  std::vector<quant::Grid> grids_;    ///< by channel, with the initial scales
  std::vector<float> scales_;         ///< short, by channel
  std::vector<float> t_;              ///< logarithm of scale / initial scale
  std::vector<float> u_;              ///< by element: the weight / its scale
  AdamMoments t_moments_;
  AdamMoments u_moments_;
};

}  // namespace ompq::distillation
