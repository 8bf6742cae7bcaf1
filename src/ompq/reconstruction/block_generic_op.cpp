#include <ATen/core/grad_mode.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"
#include "ompq/ops/run.h"
#include "ompq/reconstruction/block_ops.h"
#include "ompq/runtime/backward_scope.h"

namespace ompq::reconstruction {
namespace {

at::Tensor dense(const at::Tensor& tensor, at::ScalarType type) {
  const auto format =
      tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return tensor.to(type).contiguous(format);
}

}  // namespace

GenericOp::GenericOp(GenericSpec spec, const OpContext& context)
    : spec_(std::move(spec)), context_(context) {
  const graph::Node& node = spec_.graph->node(spec_.node);
  for (const graph::ValueId id : node.inputs) {
    const bool constant = id != graph::kNoValue && spec_.graph->is_constant(id);
    constants_.push_back(constant ? ops::to_aten(*spec_.graph->value(id).constant) : at::Tensor());
  }
  for (const auto& slot : spec_.outputs) {
    if (slot) outputs.push_back(*slot);
  }
}

std::string GenericOp::name() const { return spec_.graph->node(spec_.node).name; }

void GenericOp::forward(Lane& lane) const {
  const graph::Node& node = spec_.graph->node(spec_.node);
  std::vector<at::Tensor>& leaves = lane.leaves[index];
  leaves = constants_;
  bool records = false;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (spec_.inputs[i]) leaves[i] = lane.values[*spec_.inputs[i]].detach();
    const bool wanted = spec_.needs_gradient[i] || spec_.learned_input == i;
    if (!wanted || !at::isFloatingType(leaves[i].scalar_type())) continue;
    leaves[i] = leaves[i].detach().requires_grad_(true);
    records = true;
  }
  const at::AutoGradMode mode(records);
  const auto made_now =
      ops::find_operator(node.domain, node.op_type)->run({node, spec_.graph->opset}, leaves);
  lane.saved[index].assign(spec_.outputs.size(), at::Tensor());
  for (std::size_t i = 0; i < spec_.outputs.size(); ++i) {
    if (!spec_.outputs[i]) continue;
    const Slot slot = *spec_.outputs[i];
    const at::Tensor& made = made_now[i];
    const bool is_float = at::isFloatingType(made.scalar_type());
    lane.values[slot] = is_float ? dense(made.detach(), context_.scalar) : made;
    if (made.requires_grad()) lane.saved[index][i] = made;
  }
}

void GenericOp::backward(Lane& lane) const {
  at::Tensor total;  // its gradient with respect to each output is the incoming one
  for (std::size_t i = 0; i < spec_.outputs.size(); ++i) {
    const at::Tensor& made = lane.saved[index][i];
    if (!made.defined() || !lane.written[*spec_.outputs[i]]) continue;
    const at::Tensor arrived = lane.gradients[*spec_.outputs[i]].to(made.scalar_type());
    const at::Tensor part = (made * arrived).sum();
    total = total.defined() ? total + part : part;
  }
  lane.saved[index].clear();
  if (!total.defined()) return;
  {
    const runtime::BackwardScope backward;
    total.backward();
  }
  std::vector<at::Tensor>& leaves = lane.leaves[index];
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (!leaves[i].defined() || !leaves[i].grad().defined()) continue;
    const at::Tensor& gradient = leaves[i].grad();
    if (spec_.learned_input == i) {
      auto& sum = lane.weight_gradients[index];
      const at::Tensor plain = gradient.to(at::kFloat).contiguous();
      sum.resize(static_cast<std::size_t>(plain.numel()), 0.0F);
      accumulate(Element::Float32, sum.data(), plain.data_ptr(), plain.numel());
    } else if (spec_.inputs[i]) {
      give_gradient(lane, *spec_.inputs[i], dense(gradient, context_.scalar), context_.type);
    }
  }
  leaves.clear();
}

void GenericOp::collect(std::vector<Lane>& lanes, std::span<float> sum) {
  for (Lane& lane : lanes) {
    const auto& own = lane.weight_gradients[index];
    if (own.size() != sum.size()) continue;
    accumulate(Element::Float32, sum.data(), own.data(), static_cast<std::int64_t>(sum.size()));
  }
}

}  // namespace ompq::reconstruction
