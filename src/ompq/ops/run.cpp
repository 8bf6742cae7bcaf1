#include "ompq/ops/run.h"

#include <algorithm>

namespace ompq::ops {

at::Tensor input(Inputs inputs, std::size_t index) {
  return index < inputs.size() ? inputs[index] : at::Tensor();
}

c10::optional<at::Tensor> optional_input(Inputs inputs, std::size_t index) {
  at::Tensor found = input(inputs, index);
  if (!found.defined()) return c10::nullopt;
  return found;
}

std::vector<std::int64_t> integers(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kLong).contiguous();
  const auto* first = host.data_ptr<std::int64_t>();
  return {first, first + host.numel()};
}

std::optional<std::vector<std::int64_t>> ints_from(const OpContext& context,
                                                   Inputs inputs,
                                                   std::string_view name,
                                                   std::size_t index,
                                                   int input_since) {
  if (context.opset < input_since) {
    if (!context.node.has_attribute(name)) return std::nullopt;
    return context.node.ints_attribute(name, {});
  }
  const at::Tensor values = input(inputs, index);
  if (!values.defined()) return std::nullopt;
  return integers(values);
}

at::Tensor in_format_of(const at::Tensor& model, const at::Tensor& result) {
  if (model.dim() != 4 || result.dim() != 4) return result;
  return result.contiguous(model.suggest_memory_format());
}

Outputs run_widened(RunFunction run, Native native, const OpContext& context, Inputs inputs) {
  const auto must_widen = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return false;
    const at::ScalarType type = tensor.scalar_type();
    return (type == at::kHalf && tensor.is_cpu()) ||
           (type == at::kBFloat16 && native == Native::None);
  };
  const auto narrow = std::find_if(inputs.begin(), inputs.end(), must_widen);
  if (narrow == inputs.end()) return run(context, inputs);
  const at::ScalarType narrow_type = narrow->scalar_type();
  Outputs wide(inputs.begin(), inputs.end());
  for (at::Tensor& tensor : wide) {
    if (must_widen(tensor)) tensor = tensor.to(at::kFloat);
  }
  Outputs outputs = run(context, wide);
  for (at::Tensor& tensor : outputs) {
    if (tensor.defined() && tensor.scalar_type() == at::kFloat) tensor = tensor.to(narrow_type);
  }
  return outputs;
}

}  // namespace ompq::ops
