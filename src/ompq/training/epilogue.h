#pragma once

#include <ATen/ATen.h>

#include "ompq/training/quantizers.h"

namespace ompq::training {

/// Parameters of a batch normalization, one per channel, float32.
struct Norm {
  std::string name;
  at::Tensor scale;     ///< learned
  at::Tensor shift;     ///< learned
  at::Tensor mean;      ///< running
  at::Tensor variance;  ///< running
  float epsilon = 1e-5F;
};

struct EpilogueOptions {
  Norm* norm = nullptr;  ///< none: no normalization
  bool batch_statistics =
      false;              ///< normalize by the batch's statistics and update the running ones
  double momentum = 0.1;  ///< weight of the batch in the running statistics
  float min = -std::numeric_limits<float>::infinity();  ///< bounds after norm and residual
  float max = std::numeric_limits<float>::infinity();
  ActivationQuantizer* quantizer = nullptr;  ///< for the result
  bool observe = false;                      ///< update an observing quantizer with this batch
};

/// y = quantize(clamp(norm(z) + residual, min, max)) in one pass (two with batch statistics),
/// likewise backward. Differentiable in z, residual, the norm's and the quantizer's parameters.
/// @param z   [n, c, h, w] or [n, c] with a norm, any shape without; float32 or bfloat16, also the
/// result's type.
/// @param residual  undefined, or with z's shape.
/// @throws ShapeError if shapes do not fit.
[[nodiscard]] at::Tensor apply_epilogue(const at::Tensor& z,
                                        const at::Tensor& residual,
                                        const EpilogueOptions& options);

}  // namespace ompq::training
