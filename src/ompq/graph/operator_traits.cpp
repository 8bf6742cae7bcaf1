#include "ompq/graph/operator_traits.h"

#include <cmath>

#include "ompq/graph/opset_moves.h"

namespace ompq::graph {
namespace {

constexpr std::string_view kFusedPrefix = "activation_";
constexpr std::string_view kFusedDomain = "activation_domain";

// --- bounds ----------------------------------------------------------------------------------

/// The operand's constant, if it is a scalar.
std::optional<float> number_in(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.value(id).constant->elements() != 1) return std::nullopt;
  return graph.value(id).constant->to_floats().front();
}

std::optional<Bounds> relu_bounds(const Graph&, const Node&) { return Bounds{.low = 0.0F}; }

/// Bounds are attributes before opset 11, and operands since.
std::optional<Bounds> clip_bounds(const Graph& graph, const Node& node) {
  const auto bound = [&](std::string_view attribute, std::size_t slot, float open) {
    if (node.has_attribute(attribute)) return std::optional(node.float_attribute(attribute, open));
    const ValueId id = node.input(slot);
    return id == kNoValue ? std::optional(open) : number_in(graph, id);
  };
  const auto low = bound("min", 1, Bounds{}.low);
  const auto high = bound("max", 2, Bounds{}.high);
  if (!low || !high) return std::nullopt;
  return Bounds{*low, *high};
}

std::optional<Bounds> max_bounds(const Graph& graph, const Node& node) {
  const auto low = node.inputs.size() == 2 ? number_in(graph, node.inputs[1]) : std::nullopt;
  return low ? std::optional(Bounds{.low = *low}) : std::nullopt;
}

std::optional<Bounds> min_bounds(const Graph& graph, const Node& node) {
  const auto high = node.inputs.size() == 2 ? number_in(graph, node.inputs[1]) : std::nullopt;
  return high ? std::optional(Bounds{.high = *high}) : std::nullopt;
}

// --- gates -----------------------------------------------------------------------------------

std::optional<FusedActivation> sigmoid_gate(const Node&) {
  return FusedActivation{.type = "Swish", .parameters = {{"alpha", 1.0F}}};
}

std::optional<FusedActivation> hard_sigmoid_gate(const Node& node) {
  const bool hard_swish = std::abs(node.float_attribute("alpha", 0.2F) - 1.0F / 6.0F) < 1e-5F &&
                          node.float_attribute("beta", 0.5F) == 0.5F;
  return hard_swish ? std::optional(FusedActivation{.type = "HardSwish"}) : std::nullopt;
}

// --- integer forms ---------------------------------------------------------------------------

bool repeats_neighbours(const Graph&, const Node& node) {
  return node.string_attribute("mode", "nearest") == "nearest";
}

/// An Add of the negative constant, or a Mul by the reciprocal.
bool has_constant_right(const Graph& graph, const Node& node) {
  return node.inputs.size() == 2 && graph.is_constant(node.inputs[1]) &&
         !graph.is_constant(node.inputs[0]);
}

// --- the table -------------------------------------------------------------------------------

std::vector<OperatorTraits> activations() {
  using enum IntegerForm;
  constexpr std::string_view kMicrosoft = "com.microsoft";
  return {
      {.type = "Relu",
       .role = Role::Activation,
       .homogeneous = true,
       .bounds = relu_bounds,
       .post_op = PostOp::Relu},
      {.type = "Clip",
       .role = Role::Bound,
       .constant_operands = true,
       .bounds = clip_bounds,
       .post_op = PostOp::Clip,
       .moves = {{11, upgrade_clip}}},
      {.type = "Max",
       .role = Role::Bound,
       .commutes = true,
       .bounds = max_bounds,
       .integer = PassesCodes},
      {.type = "Min", .role = Role::Bound, .commutes = true, .bounds = min_bounds},
      {.type = "LeakyRelu",
       .role = Role::Activation,
       .homogeneous = true,
       .post_op = PostOp::LeakyRelu,
       .parameters = {{"alpha", 0.01F}},
       .integer = Requantizes},
      {.type = "PRelu", .role = Role::Activation, .constant_operands = true, .homogeneous = true},
      {.type = "Sigmoid",
       .role = Role::Activation,
       .post_op = PostOp::Sigmoid,
       .gate = sigmoid_gate,
       .integer = Requantizes},
      {.type = "Tanh", .role = Role::Activation, .post_op = PostOp::Tanh},
      {.type = "HardSigmoid", .role = Role::Activation, .gate = hard_sigmoid_gate},
      {.type = "HardSwish", .role = Role::Activation, .post_op = PostOp::HardSwish},
      {.type = "Swish",
       .role = Role::Activation,
       .post_op = PostOp::Swish,
       .parameters = {{"alpha", 1.0F}}},
      {.type = "Elu", .role = Role::Activation},
      {.type = "Selu", .role = Role::Activation},
      {.type = "Celu", .role = Role::Activation},
      {.type = "Softplus", .role = Role::Activation},
      {.type = "Softsign", .role = Role::Activation},
      {.type = "ThresholdedRelu", .role = Role::Activation},
      {.type = "Gelu", .role = Role::Activation},
      {.type = "Mish", .role = Role::Activation},
      {.type = "Gelu", .domain = kMicrosoft, .role = Role::Activation},
      {.type = "FastGelu", .domain = kMicrosoft, .role = Role::Activation},
      {.type = "QuickGelu", .domain = kMicrosoft, .role = Role::Activation},
  };
}

std::vector<OperatorTraits> elementwise() {
  using enum IntegerForm;
  return {
      {.type = "Add",
       .role = Role::Affine,
       .commutes = true,
       .integer = Requantizes,
       .codes_constants = true},
      {.type = "Mul",
       .role = Role::Affine,
       .commutes = true,
       .integer = Requantizes,
       .codes_constants = true},
      {.type = "Sub",
       .role = Role::Affine,
       .integer = Requantizes,
       .has_integer_form = has_constant_right,
       .codes_constants = true},
      {.type = "Div",
       .role = Role::Affine,
       .integer = Requantizes,
       .has_integer_form = has_constant_right,
       .codes_constants = true},
      {.type = "Pow", .role = Role::Elementwise},
      {.type = "Erf", .role = Role::Elementwise},
      {.type = "Exp", .role = Role::Elementwise},
      {.type = "Log", .role = Role::Elementwise},
      {.type = "Neg", .role = Role::Elementwise},
      {.type = "Abs", .role = Role::Elementwise},
      {.type = "Sqrt", .role = Role::Elementwise},
      {.type = "Reciprocal", .role = Role::Elementwise},
  };
}

/// Operators that move, select or re-encode elements.
std::vector<OperatorTraits> movers() {
  using enum IntegerForm;
  return {
      {.type = "Identity", .role = Role::Transparent, .homogeneous = true, .integer = PassesCodes},
      {.type = "Dropout",
       .role = Role::Transparent,
       .homogeneous = true,
       .moves = {{12, upgrade_dropout}}},
      {.type = "Cast", .role = Role::Transparent},
      {.type = "Pad",
       .role = Role::Transparent,
       .moves_elements = true,
       .moves = {{11, upgrade_pad}}},
      {.type = "Reshape", .role = Role::Transparent, .homogeneous = true, .integer = PassesCodes},
      {.type = "Flatten", .role = Role::Transparent, .homogeneous = true, .integer = PassesCodes},
      {.type = "Squeeze",
       .role = Role::Transparent,
       .integer = PassesCodes,
       .moves = {{13, upgrade_axes}}},
      {.type = "Unsqueeze",
       .role = Role::Transparent,
       .integer = PassesCodes,
       .moves = {{13, upgrade_axes}}},
      {.type = "Transpose",
       .role = Role::Transparent,
       .moves_elements = true,
       .integer = PassesCodes},
      {.type = "QuantizeLinear", .role = Role::Transparent, .integer = PassesCodes},
      {.type = "DequantizeLinear", .role = Role::Transparent, .integer = PassesCodes},
      {.type = "FakeQuantize", .domain = "ompq", .role = Role::Transparent},
      {.type = "Slice", .integer = PassesCodes, .moves = {{10, upgrade_slice}}},
      {.type = "Gather", .integer = PassesCodes},
      {.type = "Split",
       .integer = PassesCodes,
       .moves = {{13, upgrade_split}, {18, upgrade_even_split}}},
      {.type = "Concat", .integer = Requantizes, .codes_constants = true},
      {.type = "Expand", .integer = PassesCodes},
      {.type = "Tile", .integer = PassesCodes},
      {.type = "Shape", .integer = PassesCodes},
      {.type = "DepthToSpace", .integer = PassesCodes},
      {.type = "TopK", .moves = {{10, upgrade_top_k}}},
      {.type = "Scatter", .moves = {{11, upgrade_scatter}}},
      {.type = "Resize",
       .integer = PassesCodes,
       .has_integer_form = repeats_neighbours,
       .moves = {{11, upgrade_resize}}},
      {.type = "Upsample",
       .integer = PassesCodes,
       .has_integer_form = repeats_neighbours,
       .moves = {{10, upgrade_resize}}},
      {.type = "GridSample", .moves = {{20, upgrade_grid_sample}}},
  };
}

/// Products, pools, norms and sums.
std::vector<OperatorTraits> reducers() {
  using enum IntegerForm;
  return {
      {.type = "Conv", .integer = Product},
      {.type = "Gemm", .integer = Product},
      {.type = "MatMul", .integer = Product},
      {.type = "MaxPool", .homogeneous = true, .integer = PassesCodes},
      {.type = "AveragePool",
       .homogeneous = true,
       .integer = Requantizes,
       .moves = {{19, upgrade_average_pool}}},
      {.type = "GlobalAveragePool", .homogeneous = true, .integer = Requantizes},
      {.type = "GlobalMaxPool", .homogeneous = true},
      {.type = "BatchNormalization", .role = Role::Norm, .moves = {{9, upgrade_batch_norm}}},
      {.type = "InstanceNormalization", .role = Role::Norm},
      {.type = "GroupNormalization", .role = Role::Norm, .moves = {{21, upgrade_group_norm}}},
      {.type = "Softmax", .integer = Requantizes, .moves = {{13, upgrade_softmax}}},
      {.type = "LogSoftmax", .moves = {{13, upgrade_softmax}}},
      {.type = "Hardmax", .moves = {{13, upgrade_softmax}}},
      {.type = "ReduceSum", .moves = {{13, upgrade_axes}}},
      {.type = "ReduceL1", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceL2", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceLogSum", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceLogSumExp", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceMax", .integer = PassesCodes, .moves = {{18, upgrade_axes}}},
      {.type = "ReduceMean", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceMin", .integer = PassesCodes, .moves = {{18, upgrade_axes}}},
      {.type = "ReduceProd", .moves = {{18, upgrade_axes}}},
      {.type = "ReduceSumSquare", .moves = {{18, upgrade_axes}}},
  };
}

std::vector<OperatorTraits> all_rows() {
  std::vector<OperatorTraits> rows;
  for (const auto& family : {activations(), elementwise(), movers(), reducers()}) {
    rows.insert(rows.end(), family.begin(), family.end());
  }
  return rows;
}

}  // namespace

RowTable<OperatorTraits>& operator_traits() {
  static RowTable<OperatorTraits> table(all_rows());
  return table;
}

const OperatorTraits& traits_of(std::string_view domain, std::string_view type) {
  static const OperatorTraits kNone{};
  const OperatorTraits* found = operator_traits().find_if(
      [&](const OperatorTraits& row) { return row.type == type && row.domain == domain; });
  return found == nullptr ? kNone : *found;
}

const OperatorTraits& traits_of(const Node& node) { return traits_of(node.domain, node.op_type); }

IntegerForm integer_form(const Graph& graph, const Node& node) {
  const OperatorTraits& traits = traits_of(node);
  const bool meets = traits.has_integer_form == nullptr || traits.has_integer_form(graph, node);
  return meets ? traits.integer : IntegerForm::Float;
}

std::optional<Bounds> bounds_of(const Graph& graph, const Node& node) {
  const OperatorTraits& traits = traits_of(node);
  const ValueId x = node.input(0);
  if (traits.bounds == nullptr || x == kNoValue) return std::nullopt;
  if (graph.is_constant(x) || graph.value(x).type != DataType::Float32) return std::nullopt;
  const std::optional<Bounds> bounds = traits.bounds(graph, node);
  // A Clip with min > max sets everything to max, by ONNX's definition.
  return bounds && bounds->low <= bounds->high ? bounds : std::nullopt;
}

bool performs(float scale, float low, float high, const Bounds& bounds) {
  return std::nearbyint(bounds.low / scale) <= low && std::nearbyint(bounds.high / scale) >= high;
}

std::optional<std::int64_t> integer_channel_axis(const Node& node,
                                                 std::string_view op_type,
                                                 std::size_t weight_rank) {
  if (traits_of("", op_type).integer != IntegerForm::Product) return std::nullopt;
  if (op_type == "Conv") return 0;
  if (weight_rank != 2) return std::nullopt;
  if (op_type == "MatMul") return 1;
  const bool plain = node.float_attribute("alpha", 1.0F) == 1.0F &&
                     node.float_attribute("beta", 1.0F) == 1.0F &&
                     node.int_attribute("transA", 0) == 0;
  if (!plain) return std::nullopt;
  return node.int_attribute("transB", 0) != 0 ? 0 : 1;
}

std::optional<FusedActivation> fused_form(const Graph& graph, const Node& node) {
  const OperatorTraits& traits = traits_of(node);
  if (traits.post_op == PostOp::None) return std::nullopt;
  if (traits.post_op == PostOp::Clip) {
    const std::optional<Bounds> bounds = bounds_of(graph, node);
    if (!bounds) return std::nullopt;
    return FusedActivation{.type = "Clip",
                           .parameters = {{"min", bounds->low}, {"max", bounds->high}}};
  }
  FusedActivation activation{.type = node.op_type, .domain = node.domain};
  for (const Parameter& parameter : traits.parameters) {
    activation.parameters[std::string(parameter.name)] =
        node.float_attribute(parameter.name, parameter.fallback);
  }
  return activation;
}

void set_activation(Node& fused, const FusedActivation& activation) {
  if (activation.type.empty()) return;
  fused.attributes["activation"] = activation.type;
  if (!activation.domain.empty()) {
    fused.attributes[std::string(kFusedDomain)] = activation.domain;
  }
  for (const auto& [name, value] : activation.parameters) {
    fused.attributes[std::string(kFusedPrefix) + name] = value;
  }
}

FusedActivation activation_of(const Node& fused) {
  FusedActivation activation{.type = fused.string_attribute("activation", ""),
                             .domain = fused.string_attribute(kFusedDomain, "")};
  for (const auto& [name, value] : fused.attributes) {
    if (!name.starts_with(kFusedPrefix) || name == kFusedDomain) continue;
    activation.parameters[name.substr(kFusedPrefix.size())] = value;
  }
  const OperatorTraits& traits = traits_of(activation.domain, activation.type);
  for (const Parameter& parameter : traits.parameters) {
    activation.parameters.emplace(parameter.name, parameter.fallback);
  }
  if (traits.post_op == PostOp::Clip) {
    activation.parameters.emplace("min", Bounds{}.low);
    activation.parameters.emplace("max", Bounds{}.high);
  }
  return activation;
}

}  // namespace ompq::graph
