#include "ompq/targets/rule_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ompq/graph/operator_traits.h"
#include "ompq/targets/quantized_view.h"

namespace ompq::targets {
namespace {

using graph::IntegerForm;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

using Values = std::vector<ValueId>;

/// Collects violations of one rule.
class Checker {
 public:
  Checker(const graph::Graph& file, const TargetRow& target)
      : view_(file, target), target_(target) {}

  std::vector<Violation> take() { return std::move(found_); }

  void check_opset() {
    const int opset = view_.graph().opset;
    if (opset >= target_.least_opset && opset <= target_.largest_opset) return;
    found_.push_back(
        {"the file",
         "opset",
         fmt::format(
             "opset {}; must be {} to {}", opset, target_.least_opset, target_.largest_opset)});
  }

  void check_initializers() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const bool decodes = view_.is(id, "DequantizeLinear");
      if (!decodes && !view_.is(id, "QuantizeLinear")) continue;
      const Node& node = view_.node(id);
      for (std::size_t input = 0; input < node.inputs.size(); ++input) {
        const ValueId operand = node.inputs[input];
        const bool may_vary = input == 0 && view_.constant(operand) == nullptr;
        if (operand == kNoValue || may_vary || view_.producer(operand) == kNoNode) continue;
        add(id,
            "initializers",
            fmt::format("operand {} is computed by nodes; must be an initializer", input));
      }
    }
  }

  void check_code_type() {
    const DataType wanted = target_.signed_codes ? DataType::Int8 : DataType::UInt8;
    for (const Quantizer& quantizer : view_.quantizers()) {
      if (quantizer.codes == wanted) continue;
      add(quantizer.node,
          "code type",
          fmt::format("{}; must be {}", name_of(quantizer.codes), name_of(wanted)));
    }
  }

  void check_one_scale() {
    for (const Quantizer& quantizer : view_.quantizers()) {
      if (quantizer.scale != nullptr && quantizer.scale->elements() == 1) continue;
      add(quantizer.node, "one scale", fmt::format("{}; must be one scale", text_of(quantizer)));
    }
  }

  void check_middle() {
    for (const Quantizer& quantizer : view_.quantizers()) {
      const float middle = quantizer.codes == DataType::Int8 ? 0.0F : 128.0F;
      const auto zeros = floats_of(quantizer.zero_point);
      const float zero = zeros.empty() ? 0.0F : zeros.front();
      if (zero == middle) continue;
      add(quantizer.node, "symmetric", fmt::format("zero point {}; must be {}", zero, middle));
    }
  }

  void check_activation_width() {
    for (const Quantizer& quantizer : view_.quantizers()) {
      for (const NodeId reader : view_.uses().readers(output_of(quantizer.node))) {
        if (!view_.is(reader, "Clip")) continue;
        add(quantizer.node,
            "activation width",
            fmt::format("codes are clipped to fewer than {} bits; must have {} bits",
                        target_.least_activation_bits,
                        target_.least_activation_bits));
      }
    }
  }

  void check_weight_type() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      if (weight.codes == DataType::Int8) return;
      add(layer, "weight type", fmt::format("{}; must be int8", name_of(weight.codes)));
    });
  }

  void check_weight_zeros() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      for (const float zero : floats_of(weight.zero_point)) {
        if (zero == 0.0F) continue;
        add(layer, "weight zero point", fmt::format("zero point {}; must be 0", zero));
        return;
      }
    });
  }

  void check_gemm_zeros() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      if (!view_.is(layer, "Gemm") || weight.zero_point != nullptr) return;
      add(layer, "gemm zero point", "the weight has no zero point; must have explicit ones");
    });
  }

  void check_weight_scales() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      const Node& node = view_.node(layer);
      const Node& decoder = view_.node(weight.node);
      const auto& shape = view_.constant(decoder.input(0))->shape();
      const auto axis = graph::integer_channel_axis(node, node.op_type, shape.size());
      std::int64_t given = decoder.int_attribute("axis", 1);
      if (given < 0) given += static_cast<std::int64_t>(shape.size());
      const std::size_t scales = floats_of(weight.scale).size();
      const auto wanted =
          axis ? static_cast<std::size_t>(shape[static_cast<std::size_t>(*axis)]) : 0;
      if (axis && scales == wanted && given == *axis) return;
      add(layer,
          "weight scales",
          fmt::format("{} scales along axis {}; must be {} along axis {}",
                      scales,
                      given,
                      wanted,
                      axis.value_or(-1)));
    });
  }

  void check_weight_levels() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      float largest = 0.0F;
      for (const float level : floats_of(view_.constant(view_.node(weight.node).input(0)))) {
        largest = std::max(largest, std::abs(level));
      }
      if (largest <= static_cast<float>(target_.largest_level)) return;
      add(layer,
          "weight levels",
          fmt::format("a level of {}; must be at most {}", largest, target_.largest_level));
    });
  }

  void check_integer_bias() {
    for_each_weight([&](NodeId layer, const Quantizer& weight) {
      const Node& node = view_.node(layer);
      if (node.is("MatMul") || node.input(2) == kNoValue) return;
      const auto bias = view_.decoded_constant(node.input(2));
      if (!bias || bias->codes != DataType::Int32) {
        return add(layer, "bias", "the bias is not int32; must be int32 with DequantizeLinear");
      }
      const auto zeros = floats_of(bias->zero_point);
      const auto scales = floats_of(weight.scale);
      const auto activation = floats_of(view_.decoded(node.input(0))->scale);
      const auto given = floats_of(bias->scale);
      for (std::size_t c = 0; c < scales.size() && !activation.empty(); ++c) {
        const float wanted = activation.front() * scales[c];
        if (c < given.size() && given[c] == wanted) continue;
        return add(layer,
                   "bias",
                   fmt::format("bias scale {} of channel {}; must be {}, activation scale x weight "
                               "scale",
                               c < given.size() ? given[c] : 0.0F,
                               c,
                               wanted));
      }
      if (std::ranges::any_of(zeros, [](float zero) { return zero != 0.0F; })) {
        add(layer, "bias", fmt::format("bias zero point {}; must be 0", zeros.front()));
      }
    });
  }

  void check_float_bias() {
    for_each_weight([&](NodeId layer, const Quantizer&) {
      const Node& node = view_.node(layer);
      if (node.is("MatMul") || node.input(2) == kNoValue) return;
      const Tensor* bias = view_.constant(node.input(2));
      if (bias != nullptr && bias->type() == DataType::Float32) return;
      add(layer, "float bias", "the bias is quantized; must be float32");
    });
  }

  /// Results of layers, and of operators if everything is quantized.
  void check_results() {
    const bool everything = target_.between == Between::Everything;
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = view_.node(id);
      const bool on_codes =
          everything ? view_.runs_on_codes(id) : view_.is_layer(id) && node.is("Conv");
      if (!on_codes) continue;
      for (const ValueId output : node.outputs) {
        if (output == kNoValue || view_.quantized(output)) continue;
        if (!everything && view_.ends_network(output)) continue;
        add(id,
            "result",
            fmt::format("'{}' is not quantized; must have a quantizer",
                        view_.graph().value(output).name));
      }
    }
  }

  /// Relu and Clip that the quantizer after them performs.
  void check_bounds() {
    for (const Quantizer& quantizer : view_.quantizers()) {
      const NodeId id = view_.producer(view_.node(quantizer.node).input(0));
      if (id == kNoNode || quantizer.scale == nullptr || quantizer.scale->elements() != 1) continue;
      const auto bounds = graph::bounds_of(view_.graph(), view_.node(id));
      const auto [low, high] = level_range(quantizer);
      if (!bounds || !graph::performs(quantizer.scale->to_floats().front(), low, high, *bounds)) {
        continue;
      }
      add(id, "bounds", "the quantizer after it does the same; the node must be absent");
    }
  }

  /// Operators of which only some operands are quantized, although all could be.
  void check_operands() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      if (!view_.is_operator(id)) continue;
      const Values operands = view_.data_operands(view_.node(id));
      const auto is_decoded = [&](ValueId value) { return view_.decoded(value).has_value(); };
      if (std::ranges::none_of(operands, is_decoded)) continue;
      for (const ValueId operand : operands) {
        const NodeId maker = maker_before_bounds(operand);
        if (is_decoded(operand) || view_.constant(operand) != nullptr) continue;
        if (!view_.is_layer(maker) && !view_.runs_on_codes(maker)) continue;
        add(id,
            "operands",
            fmt::format("operand '{}' is not quantized, and others are; all must be",
                        view_.graph().value(operand).name));
      }
    }
  }

  /// Of an Add of a layer's result, the other operand.
  void check_residuals() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      if (!view_.is_operator(id)) continue;
      const Values operands = view_.data_operands(view_.node(id));
      const auto is_float = [&](ValueId value) {
        return view_.constant(value) == nullptr && !view_.decoded(value);
      };
      const bool adds = std::ranges::any_of(operands, [&](ValueId value) {
        const NodeId maker = view_.producer(value);
        return view_.is_layer(maker) && view_.uses().sole_reader(value) == id;
      });
      if (!adds || std::ranges::count_if(operands, is_float) < 2) continue;
      add(id, "residual", "both operands are float; the one that no layer adds must be quantized");
    }
  }

  /// Operators whose inputs and results have one quantizer.
  void check_shared() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      if (!view_.is_operator(id) ||
          target_.form_of(view_.graph(), view_.node(id)) != IntegerForm::PassesCodes)
        continue;
      if (!view_.runs_on_codes(id)) continue;
      const Values operands = view_.data_operands(view_.node(id));
      const Quantizer first = *view_.decoded(operands.front());
      std::vector<Quantizer> others;
      for (const ValueId operand : operands) others.push_back(*view_.decoded(operand));
      for (const ValueId output : view_.node(id).outputs) {
        const auto quantizer = output == kNoValue ? std::nullopt : view_.quantized(output);
        if (quantizer) others.push_back(*quantizer);
      }
      for (const Quantizer& other : others) {
        if (same_quantizer(first, other)) continue;
        add(id,
            "shared scale",
            fmt::format("{} and {}; inputs and results must have the same quantizer",
                        text_of(first),
                        text_of(other)));
      }
    }
  }

  void check_fixed() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const FixedQuantizer* fixed = target_.fixed_quantizer(view_.node(id));
      if (fixed == nullptr || !view_.runs_on_codes(id)) continue;
      const auto quantizer = view_.quantized(view_.node(id).outputs.front());
      if (!quantizer || view_.has_values(*quantizer, *fixed)) continue;
      add(id,
          "fixed scale",
          fmt::format("{}; must be scale {}, zero point {}",
                      text_of(*quantizer),
                      fixed->scale,
                      fixed->zero_point - (target_.signed_codes ? 128 : 0)));
    }
  }

  void check_float_activations() {
    for (const Quantizer& quantizer : view_.quantizers()) {
      add(quantizer.node, "float activations", "an activation is quantized; must be float");
    }
  }

  /// No runtime may replace a layer by an integer kernel.
  void check_float_kernels() {
    for (std::size_t n = 0; n < view_.graph().nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = view_.node(id);
      if (graph::traits_of(node).integer != IntegerForm::Product) continue;
      const auto activation = view_.decoded(node.input(0));
      if (!activation || floats_of(activation->scale).size() != 1) continue;
      add(id, "float kernels", "the layer reads codes with one scale; must have a scale per slice");
    }
  }

 private:
  void add(NodeId node, std::string_view rule, std::string values) {
    found_.push_back({view_.place(node), std::string(rule), std::move(values)});
  }

  [[nodiscard]] ValueId output_of(NodeId id) const { return view_.node(id).outputs.front(); }

  template <typename Visit>
  void for_each_weight(const Visit& visit) {
    for (const NodeId layer : view_.layers()) {
      visit(layer, *view_.decoded_constant(view_.node(layer).input(1)));
    }
  }

  /// The node that produces `value`, before operators that clip it.
  [[nodiscard]] NodeId maker_before_bounds(ValueId value) const {
    NodeId maker = view_.producer(value);
    while (maker != kNoNode && graph::bounds_of(view_.graph(), view_.node(maker))) {
      maker = view_.producer(view_.node(maker).input(0));
    }
    return maker;
  }

  struct LevelRange {
    float low;
    float high;
  };

  [[nodiscard]] LevelRange level_range(const Quantizer& quantizer) const {
    const bool is_signed = quantizer.codes == DataType::Int8;
    const auto zeros = floats_of(quantizer.zero_point);
    const float zero = zeros.empty() ? 0.0F : zeros.front();
    float top = is_signed ? 127.0F : 255.0F;
    const NodeId reader = view_.uses().sole_reader(output_of(quantizer.node));
    if (view_.is(reader, "Clip")) {
      const auto most = floats_of(view_.constant(view_.node(reader).input(2)));
      if (!most.empty()) top = most.front();
    }
    return {(is_signed ? -128.0F : 0.0F) - zero, top - zero};
  }

  QuantizedView view_;
  const TargetRow& target_;
  std::vector<Violation> found_;
};

bool integer(const TargetRow& target) { return target.integer_kernels; }
bool quantizes_operators(const TargetRow& target) {
  return integer(target) && target.between != Between::Residuals;
}

struct CheckedRule {
  Rule rule;
  void (Checker::*check)() = nullptr;
};

constexpr std::array<CheckedRule, 21> kRules{{
    {{"opset",
      "the file's opset is one that the target reads",
      [](const TargetRow&) { return true; }},
     &Checker::check_opset},
    {{"initializers",
      "codes, scales and zero points are initializers",
      [](const TargetRow& target) { return !target.reads_packed; }},
     &Checker::check_initializers},
    {{"code type", "activations are uint8 codes, or int8 for some targets", integer},
     &Checker::check_code_type},
    {{"one scale", "an activation has one scale", integer}, &Checker::check_one_scale},
    {{"symmetric",
      "the zero point of an activation is the middle of its codes",
      [](const TargetRow& target) { return target.symmetric_activations; }},
     &Checker::check_middle},
    {{"activation width",
      "activations have 8 bits",
      [](const TargetRow& target) { return target.least_activation_bits == kMaxBits; }},
     &Checker::check_activation_width},
    {{"weight type", "the weight of an integer layer is int8", integer},
     &Checker::check_weight_type},
    {{"weight zero point", "the zero points of weights are 0", integer},
     &Checker::check_weight_zeros},
    {{"gemm zero point",
      "the weight of a Gemm has explicit zero points",
      [](const TargetRow& target) { return target.gemm_zero_points; }},
     &Checker::check_gemm_zeros},
    {{"weight scales", "a weight has one scale for each output channel", integer},
     &Checker::check_weight_scales},
    {{"weight levels",
      "levels of weights are at most those of the kernel",
      [](const TargetRow& target) { return integer(target) && target.largest_level < 128; }},
     &Checker::check_weight_levels},
    {{"bias",
      "the bias is int32 with the scale activation scale x weight scale",
      [](const TargetRow& target) { return integer(target) && target.bias == BiasForm::Int32; }},
     &Checker::check_integer_bias},
    {{"float bias",
      "the bias is float32",
      [](const TargetRow& target) { return integer(target) && target.bias == BiasForm::Float32; }},
     &Checker::check_float_bias},
    {{"result", "results of layers, or of all operators, are quantized", quantizes_operators},
     &Checker::check_results},
    {{"bounds",
      "Relu and Clip that a quantizer performs are absent",
      [](const TargetRow& target) { return integer(target) && target.drops_bounds; }},
     &Checker::check_bounds},
    {{"operands", "all operands of an integer operator are quantized", quantizes_operators},
     &Checker::check_operands},
    {{"residual",
      "the other operand of an Add of a layer's result is quantized",
      [](const TargetRow& target) {
        return integer(target) && target.between == Between::Residuals;
      }},
     &Checker::check_residuals},
    {{"shared scale",
      "inputs and results of operators that move numbers have one quantizer",
      quantizes_operators},
     &Checker::check_shared},
    {{"fixed scale",
      "results have the quantizer that the kernel prescribes",
      [](const TargetRow& target) { return !target.fixed.empty(); }},
     &Checker::check_fixed},
    {{"float activations",
      "activations are float",
      [](const TargetRow& target) { return target.weights_only; }},
     &Checker::check_float_activations},
    {{"float kernels",
      "no layer reads codes with one scale",
      [](const TargetRow& target) { return !integer(target); }},
     &Checker::check_float_kernels},
}};

constexpr auto kRuleTexts = [] {
  std::array<Rule, kRules.size()> rules{};
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = kRules[i].rule;
  return rules;
}();

}  // namespace

std::span<const Rule> target_rules() { return kRuleTexts; }

std::vector<Violation> check_rules(const graph::Graph& file, const TargetRow& target) {
  Checker checker(file, target);
  for (const CheckedRule& row : kRules) {
    if (row.rule.applies(target)) (checker.*row.check)();
  }
  return checker.take();
}

}  // namespace ompq::targets
