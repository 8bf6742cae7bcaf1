#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/quant/grid.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/quantizer_limits.h"
#include "ompq/training/kernels.h"
#include "ompq/training/quantizer_methods.h"

/// Quantizers as parts of a differentiable network, with learned or observed parameters. Scales
/// are those that will be written (rounding::ScaleRule) in every forward pass; gradients are
/// straight-through for this and every rounding.
namespace ompq::training {

/// Quantizer of one activation, one step per tensor.
struct ActivationQuantizer {
  const QuantizerMethod* method = nullptr;
  std::string name;  ///< of the value
  BitWidth bits{8};
  std::int32_t zero_point = 0;
  at::Tensor learned;  ///< [1]: the step or the clipping limit; undefined if ranges are observed
  at::Tensor range;    ///< [2]: observed minimum and maximum; undefined if steps are learned
  float floor = 0.0F;  ///< lower limit of `learned`
  rounding::ScaleRule rule;  ///< of the scale
  float shift = 0.0F;        ///< of the levels, see quant::Grid

  [[nodiscard]] quant::Grid with_scale(float scale) const {
    return quant::make_grid(scale, zero_point, bits, shift);
  }
  [[nodiscard]] float high() const { return with_scale(1.0F).high; }
};

/// Initializes from `params` (one scale). @param rule  rounding::QuantizerLimits::rule().
[[nodiscard]] ActivationQuantizer make_activation_quantizer(const QuantizerMethod& method,
                                                            std::string name,
                                                            const quant::QuantParams& params,
                                                            const rounding::ScaleRule& rule = {});
/// The current grid; also sets the zero point of an observed range.
[[nodiscard]] quant::Grid grid_of(ActivationQuantizer& quantizer);
/// Updates an observed range with that of a batch: range = momentum x range + (1 - momentum) x
/// batch's. Source: Yao et al. 2021 (HAWQ-V3).
void observe(ActivationQuantizer& quantizer, const Range& batch);
/// Gradient of `learned` from the sums of epilogue_backward().
/// @param elements  per sample. Sources: Esser et al. 2020, section 2.2 (gradient scale); Choi et
/// al. 2018 (PACT), eq. 3.
[[nodiscard]] double learned_gradient(const ActivationQuantizer& quantizer,
                                      double step_gradient,
                                      std::int64_t elements);
[[nodiscard]] quant::QuantParams params_of(ActivationQuantizer& quantizer);

/// Quantizer of one weight, one step per slice of its axis. With a trained norm, the weight is the
/// operator's unfolded one, with the quantization levels of the weight with the norm folded in:
/// positive factors on a channel change a weight and its step equally.
struct WeightQuantizer {
  const QuantizerMethod* method = nullptr;
  std::string name;  ///< of the weight
  BitWidth bits{8};
  quant::Symmetry symmetry = quant::Symmetry::Symmetric;
  quant::Granularity granularity = quant::Granularity::along(0);
  std::vector<float> low;  ///< of the operator's own weight
  std::vector<float> high;
  float mean_step = 1.0F;  ///< mean distance between levels, in steps; not 1 for normal levels
  /// [slices] mean distances between levels, so that the learning rate means the same for all
  /// levels; undefined if steps follow from the weights.
  at::Tensor learned;
  std::vector<float> floor;  ///< lower limit of `learned`
};

/// Initializes from codes of the folded weight. @param factors  of folding, one per slice.
[[nodiscard]] WeightQuantizer make_weight_quantizer(const QuantizerMethod& method,
                                                    std::string name,
                                                    const quant::QuantizedTensor& codes,
                                                    std::span<const float> factors);

/// Steps of the operator's unfolded weight and short steps of the folded one.
struct WeightSteps {
  std::vector<float> own;
  std::vector<float> folded;
};
[[nodiscard]] WeightSteps steps_of(const WeightQuantizer& quantizer,
                                   const at::Tensor& weight,
                                   std::span<const float> factors);

/// The operator's quantized weight, differentiable in weight and steps.
[[nodiscard]] at::Tensor quantized_weight(const WeightQuantizer& quantizer,
                                          const at::Tensor& weight,
                                          const WeightSteps& steps);
/// The codes of the folded weight.
[[nodiscard]] quant::QuantizedTensor codes_of(const WeightQuantizer& quantizer,
                                              const at::Tensor& weight,
                                              std::span<const float> factors);
/// The nearest weight to `weight` that quantizes to `codes`.
[[nodiscard]] at::Tensor moved_to_codes(const at::Tensor& weight,
                                        const quant::QuantizedTensor& codes,
                                        std::span<const float> factors);

/// `value` with a straight-through gradient to `source`.
[[nodiscard]] at::Tensor straight_through(const at::Tensor& source, const at::Tensor& value);

}  // namespace ompq::training
