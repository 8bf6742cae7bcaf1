#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::reconstruction {

/// The rectified sigmoid's stretch: h(v) = clamp(sigmoid(v) (kZeta - kGamma) + kGamma, 0, 1).
/// Source: Nagel et al. 2020 (AdaRound), eq. 23.
inline constexpr float kZeta = 1.1F;
inline constexpr float kGamma = -0.1F;

[[nodiscard]] float rectified_sigmoid(float v);
/// The v with h(v) = `h`, 0..1.
[[nodiscard]] float inverse_rectified_sigmoid(float h);

/// One step of Adam (Kingma and Ba 2015). `number` counts from 1.
struct AdamStep {
  float rate = 1e-3F;
  std::int64_t number = 1;
  float first_decay = 0.9F;
  float second_decay = 0.999F;
  float epsilon = 1e-8F;
};

/// The regularizer, the sum over variables of weight x (1 - |2h - 1|^beta), which pushes each h to
/// 0 or 1, more strongly for smaller beta. Source: Nagel et al. 2020, eq. 24.
struct RoundingPressure {
  float weight = 0.0F;  ///< 0: none
  float beta = 20.0F;
};

/// Initial value of the variables, between the float weight (0) and the given codes (1): h of the
/// float weight is moved towards the code.
struct RoundingStart {
  float firmness = 0.0F;
};

/// The weights of one layer with learned rounding: each is between two neighbouring levels, scale x
/// (lower + h(v)) with the distance of the two as the scale, one of which is its initial code. All
/// arrays are row-major like the weight.
class RoundingVariables {
 public:
  /// @param weight   the float weight.
  /// @param initial  initial codes with scales and zero points. They need not be neighbours of the
  /// float weight, since compensated rounding moves weights.
  /// @throws ShapeError if both differ in shape.
  RoundingVariables(const Tensor& weight,
                    const quant::QuantizedTensor& initial,
                    const RoundingStart& start = {});

  [[nodiscard]] std::size_t size() const { return v_.size(); }
  [[nodiscard]] const quant::QuantizedTensor& initial() const { return initial_; }
  /// The current weights, between levels.
  void soft_weights(std::span<float> weights) const;
  /// The nearest codes.
  [[nodiscard]] quant::QuantizedTensor harden() const;
  /// Adds the regularizer's gradient to that of the loss, takes one Adam step and writes the new
  /// soft weights to `weights`.
  /// @param gradients  of the loss with respect to the soft weights.
  void update(std::span<const float> gradients,
              const AdamStep& adam,
              const RoundingPressure& pressure,
              std::span<float> weights);
  /// sum of 1 - |2h - 1|^beta, for tests and reports.
  [[nodiscard]] double pressure(float beta) const;
  /// Share of variables that are further than 0.05 from both levels.
  [[nodiscard]] double undecided() const;

  [[nodiscard]] std::span<float> mutable_v() { return v_; }

 private:
  quant::QuantizedTensor initial_;
  std::vector<float> scale_;  ///< of each element: the distance between its two levels
  std::vector<float> lower_;  ///< the lower level, in this scale
  std::vector<std::uint8_t> lower_code_;
  std::vector<float> v_;
  std::vector<float> first_moment_;
  std::vector<float> second_moment_;
};

}  // namespace ompq::reconstruction
