#pragma once

#include <ATen/ATen.h>

#include "ompq/training/quantizers.h"

namespace ompq::training {

/// Parameters of a batch normalization, one a channel, float32.
struct Norm {
  std::string name;
  at::Tensor scale;     ///< learned
  at::Tensor shift;     ///< learned
  at::Tensor mean;      ///< running
  at::Tensor variance;  ///< running
  float epsilon = 1e-5F;
};

struct EpilogueOptions {
  Norm* norm = nullptr;           ///< none: no normalization
  bool batch_statistics = false;  ///< normalize by the batch's; its share moves the running ones
  double momentum = 0.1;          ///< that share
  float least = -std::numeric_limits<float>::infinity();  ///< bounds after norm and residual
  float most = std::numeric_limits<float>::infinity();
  ActivationQuantizer* quantizer = nullptr;  ///< of the result
  bool observe = false;                      ///< an observing quantizer sees this batch
};

/// y = quantize(clamp(norm(z) + residual, least, most)) in one pass (two with batch statistics),
/// and in as many backward. Differentiable in z, residual, the norm's and the quantizer's
/// parameters.
/// @param z         [n, c, h, w] or [n, c] where there is a norm, any shape without; float32 or
/// bfloat16, which is the result's.
/// @param residual  undefined, or of z's shape.
/// @throws ShapeError if shapes do not fit.
[[nodiscard]] at::Tensor apply_epilogue(const at::Tensor& z,
                                        const at::Tensor& residual,
                                        const EpilogueOptions& options);

}  // namespace ompq::training
