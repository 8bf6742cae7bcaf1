#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/quant/grid.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/training/kernels.h"
#include "ompq/training/quantizer_methods.h"

/// Quantizers as parts of a differentiable network: what is learned or observed, and the levels
/// that follow from it. Scales are short (quant/short_scale.h) in every forward pass; gradients go
/// straight through that and through every rounding.
namespace ompq::training {

/// Quantizer of one activation, one step for the tensor.
struct ActivationQuantizer {
  const QuantizerMethod* method = nullptr;
  std::string name;  ///< of the value
  BitWidth bits{8};
  std::int32_t zero_point = 0;
  at::Tensor learned;  ///< [1]: the step or the clipping limit; undefined where ranges are observed
  at::Tensor range;  ///< [2]: observed least and greatest value; undefined where steps are learned
  float floor = 0.0F;  ///< `learned` stays above it
  float shift = 0.0F;  ///< of the levels, see quant::Grid

  [[nodiscard]] quant::Grid with_scale(float scale) const {
    return quant::make_grid(scale, zero_point, bits, shift);
  }
  [[nodiscard]] float high() const { return with_scale(1.0F).high; }
};

/// Starts where `params` stands (one scale).
[[nodiscard]] ActivationQuantizer make_activation_quantizer(const QuantizerMethod& method,
                                                            std::string name,
                                                            const quant::QuantParams& params);
/// The grid as it is now; also sets the zero point of an observed range.
[[nodiscard]] quant::Grid grid_of(ActivationQuantizer& quantizer);
/// Moves an observed range towards that of a batch: range = momentum x range + (1 - momentum) x
/// batch's. Source: Yao et al. 2021 (HAWQ-V3).
void observe(ActivationQuantizer& quantizer, const Range& batch);
/// Gradient of `learned` from the sums that epilogue_backward() made.
/// @param elements  of one sample. Sources: Esser et al. 2020, section 2.2 (gradient scale); Choi
/// et al. 2018 (PACT), eq. 3.
[[nodiscard]] double learned_gradient(const ActivationQuantizer& quantizer,
                                      double step_gradient,
                                      std::int64_t elements);
[[nodiscard]] quant::QuantParams params_of(ActivationQuantizer& quantizer);

/// Quantizer of one weight, one step for each slice of its axis. Where a trained norm follows, the
/// weight is the operator's own, and its levels are those of the weight that the norm is folded
/// into: positive factors on a channel change a weight and its step alike.
struct WeightQuantizer {
  const QuantizerMethod* method = nullptr;
  std::string name;  ///< of the weight
  BitWidth bits{8};
  quant::Symmetry symmetry = quant::Symmetry::Symmetric;
  quant::Granularity granularity = quant::Granularity::along(0);
  std::vector<float> low;  ///< of the operator's own weight
  std::vector<float> high;
  at::Tensor learned;        ///< [slices] steps; undefined where they follow from the weights
  std::vector<float> floor;  ///< `learned` stays above it
};

/// Starts where codes of the folded weight stand. @param factors  of folding, one a slice.
[[nodiscard]] WeightQuantizer make_weight_quantizer(const QuantizerMethod& method,
                                                    std::string name,
                                                    const quant::QuantizedTensor& codes,
                                                    std::span<const float> factors);

/// Steps of the operator's own weight and, short, of the folded one.
struct WeightSteps {
  std::vector<float> own;
  std::vector<float> folded;
};
[[nodiscard]] WeightSteps steps_of(const WeightQuantizer& quantizer,
                                   const at::Tensor& weight,
                                   std::span<const float> factors);

/// The operator's own weight with its levels, differentiable in weight and steps.
[[nodiscard]] at::Tensor quantized_weight(const WeightQuantizer& quantizer,
                                          const at::Tensor& weight,
                                          const WeightSteps& steps);
/// The codes of the folded weight.
[[nodiscard]] quant::QuantizedTensor codes_of(const WeightQuantizer& quantizer,
                                              const at::Tensor& weight,
                                              std::span<const float> factors);
/// The weight that is nearest to `weight` among those that quantize to `codes`.
[[nodiscard]] at::Tensor moved_to_codes(const at::Tensor& weight,
                                        const quant::QuantizedTensor& codes,
                                        std::span<const float> factors);

/// `value`, with gradients that go to `source` as they are.
[[nodiscard]] at::Tensor straight_through(const at::Tensor& source, const at::Tensor& value);

}  // namespace ompq::training
