#include "ompq/targets/target_table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::targets {
namespace {

using Names = std::vector<std::string_view>;

bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The sources of the following rows are in docs/targets.md.

TargetRow open_vino() {
  return {
      .name = "openvino",
      .integer_kernels = true,
      .operators = {"Conv",        "Gemm",       "MatMul",    "Add",           "Sub",
                    "Mul",         "Concat",     "Sigmoid",   "Tanh",          "LeakyRelu",
                    "Elu",         "HardSwish",  "MaxPool",   "GlobalMaxPool", "AveragePool",
                    "Reshape",     "ReduceMean", "Transpose", "Flatten",       "GlobalAveragePool",
                    "Squeeze",     "Unsqueeze",  "Slice",     "Gather",        "Split",
                    "DepthToSpace"},
      .shared = {"MaxPool",
                 "GlobalMaxPool",
                 "Reshape",
                 "Transpose",
                 "Flatten",
                 "Squeeze",
                 "Unsqueeze",
                 "Slice",
                 "Gather",
                 "Split",
                 "DepthToSpace"}};
}

TargetRow tensor_rt() {
  return {.name = "tensorrt",
          .integer_kernels = true,
          .signed_codes = true,
          .symmetric_activations = true,
          .least_activation_bits = 8,
          .bias = BiasForm::Float32,
          .between = Between::Residuals,
          .operators = {"Conv", "Gemm", "MatMul", "Add"},
          .constants_as_codes = false,
          .drops_bounds = false,
          .plain = true,
          .reads_packed = false,
          .largest_opset = 24};
}

TargetRow qnn() {
  return {
      .name = "qnn",
      .integer_kernels = true,
      .least_activation_bits = 8,
      .between = Between::Everything,
      .operators = {"Conv",      "Gemm",         "MatMul",      "Add",       "Sub",
                    "Mul",       "Div",          "Concat",      "Sigmoid",   "Tanh",
                    "LeakyRelu", "Elu",          "HardSwish",   "Gelu",      "HardSigmoid",
                    "Softmax",   "LogSoftmax",   "AveragePool", "ReduceSum", "GlobalAveragePool",
                    "MaxPool",   "ReduceMean",   "Reshape",     "Transpose", "Flatten",
                    "Squeeze",   "Unsqueeze",    "Slice",       "Gather",    "Split",
                    "Tile",      "DepthToSpace", "Resize",      "Pad"},
      .shared = {"MaxPool",
                 "Reshape",
                 "Transpose",
                 "Flatten",
                 "Squeeze",
                 "Unsqueeze",
                 "Slice",
                 "Gather",
                 "Split",
                 "Tile",
                 "DepthToSpace"},
      .plain = true,
      .largest_opset = 26};
}

TargetRow lite_rt() {
  return {.name = "litert",
          .integer_kernels = true,
          .largest_level = 127,
          .signed_codes = true,
          .least_activation_bits = 8,
          .between = Between::Everything,
          .operators = {"Conv",
                        "Gemm",
                        "MatMul",
                        "Add",
                        "Sub",
                        "Mul",
                        "Concat",
                        "Sigmoid",
                        "Tanh",
                        "Softmax",
                        "LogSoftmax",
                        "MaxPool",
                        "ReduceMean",
                        "Reshape",
                        "Flatten",
                        "AveragePool",
                        "GlobalAveragePool",
                        "Transpose",
                        "Squeeze",
                        "Unsqueeze",
                        "Slice",
                        "Gather",
                        "Resize",
                        "Pad"},
          .shared = {"Concat",
                     "MaxPool",
                     "AveragePool",
                     "Reshape",
                     "Flatten",
                     "Squeeze",
                     "Unsqueeze",
                     "Transpose",
                     "Slice",
                     "Gather",
                     "Resize",
                     "Pad"},
          .fixed = {{"Sigmoid", 1.0F / 256, 0},
                    {"Softmax", 1.0F / 256, 0},
                    {"Tanh", 1.0F / 128, 128},
                    {"LogSoftmax", 16.0F / 256, 255}},
          .constants_as_codes = false,
          .drops_bounds = false,
          .plain = true,
          .reads_packed = false};
}

}  // namespace

RowTable<TargetRow>& target_table() {
  static RowTable<TargetRow> table({
      {
          .name = kExactTarget,
      },
      {.name = "onnxruntime", .integer_kernels = true, .gemm_zero_points = true},
      {.name = "onnxruntime-avx2",
       .integer_kernels = true,
       .largest_level = 64,
       .gemm_zero_points = true},
      open_vino(),
      tensor_rt(),
      qnn(),
      lite_rt(),
      {.name = kWeightsTarget, .weights_only = true},
  });
  return table;
}

const TargetRow& target(std::string_view name) {
  return target_table().get(name, "--target", "target");
}

graph::IntegerForm TargetRow::form_of(const graph::Node& node) const {
  using enum graph::IntegerForm;
  const graph::IntegerForm usual = graph::traits_of(node).integer;
  if (operators.empty()) return usual;
  if (!node.domain.empty() || !contains(operators, node.op_type)) return Float;
  if (usual == Product) return Product;
  return contains(shared, node.op_type) ? PassesCodes : Requantizes;
}

graph::IntegerForm TargetRow::form_of(const graph::Graph& graph, const graph::Node& node) const {
  return operators.empty() ? graph::integer_form(graph, node) : form_of(node);
}

const FixedQuantizer* TargetRow::fixed_quantizer(const graph::Node& node) const {
  const auto found = std::ranges::find_if(fixed, [&](const FixedQuantizer& one) {
    return node.domain.empty() && node.op_type == one.op_type;
  });
  return found == fixed.end() ? nullptr : &*found;
}

std::vector<int> supported_widths(const TargetRow& target,
                                  const std::vector<int>& widths,
                                  const std::string& whose) {
  std::vector<int> kept;
  std::ranges::copy_if(widths, std::back_inserter(kept), [&](int width) {
    return width > kMaxBits || target.supports(BitWidth(width));
  });
  if (kept.empty() && !widths.empty()) {
    throw ConfigError("--target",
                      fmt::format("{} has {} bits, and the kernels of {} do not support so many; "
                                  "give fewer, or use another --target",
                                  whose,
                                  fmt::join(widths, " or "),
                                  target.name));
  }
  return kept;
}

void require_activation_widths(const TargetRow& target,
                               const std::vector<int>& widths,
                               std::string_view option) {
  for (const int width : widths) {
    if (width > kMaxBits || target.supports_activations(BitWidth(width))) continue;
    if (target.weights_only) {
      throw ConfigError(option,
                        fmt::format("activations were to have {} bits, and {} quantizes only "
                                    "weights; leave them float, or use another --target",
                                    width,
                                    target.name));
    }
    throw ConfigError(option,
                      fmt::format("{} bits were given, and the kernels of {} read activations of "
                                  "{} bits; give {}, or use another --target",
                                  width,
                                  target.name,
                                  target.least_activation_bits,
                                  target.least_activation_bits));
  }
}

void require_opset(const TargetRow& target, int opset) {
  if (opset >= target.least_opset && opset <= target.largest_opset) return;
  throw ConfigError("--opset",
                    fmt::format("the file would have opset {}, and {} reads {} to {}; give one of "
                                "these, or use another --target",
                                opset,
                                target.name,
                                target.least_opset,
                                target.largest_opset));
}

}  // namespace ompq::targets
