#pragma once

#include <string_view>

#include "ompq/ops/facts.h"
#include "ompq/ops/run.h"

namespace ompq::ops {

/// What a fused node does to its sum: the activation's operator type ("" for none) and numbers.
struct ActivationSpec {
  std::string type;
  float alpha = 0.0F;
  float beta = 0.0F;
  float min = 0.0F;  ///< Clip
  float max = 0.0F;
};

/// True for the activations that a fused node may carry.
[[nodiscard]] bool is_fusible_activation(std::string_view type);
[[nodiscard]] at::Tensor apply_activation(const at::Tensor& x, const ActivationSpec& spec);

}  // namespace ompq::ops
