#include "ompq/training/operands.h"

#include <algorithm>

namespace ompq::training {

at::Tensor in_layout(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
}

void unify_types(std::vector<at::Tensor>& inputs) {
  const auto has = [&](at::ScalarType type) {
    return std::any_of(inputs.begin(), inputs.end(), [&](const at::Tensor& x) {
      return x.defined() && x.scalar_type() == type;
    });
  };
  if (!has(at::kBFloat16) || !has(at::kFloat)) return;
  for (at::Tensor& x : inputs) {
    if (x.defined() && x.scalar_type() == at::kBFloat16) x = x.to(at::kFloat);
  }
}

}  // namespace ompq::training
