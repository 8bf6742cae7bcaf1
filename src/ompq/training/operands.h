#pragma once

#include <vector>

#include <ATen/ATen.h>

namespace ompq::training {

/// Images ([n, c, h, w]) with channels last, as our kernels read them; other tensors as they are.
[[nodiscard]] at::Tensor in_layout(const at::Tensor& x);

/// Gives inputs of a node that the operator table runs one type: bfloat16 if all floats have it,
/// else float32. Undefined tensors, which are absent inputs, and integers stay.
void unify_types(std::vector<at::Tensor>& inputs);

}  // namespace ompq::training
