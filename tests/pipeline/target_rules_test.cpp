#include "ompq/pipeline/target_rules.h"

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/quantized_file.h"
#include "pipeline/integer_networks.h"
#include "pipeline/target_networks.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using targets::TargetRow;

std::string texts_of(const std::vector<targets::Violation>& violations) {
  std::string text;
  for (const auto& [place, rule, values] : violations) {
    text += place + ": " + rule + ": " + values + "\n";
  }
  return text;
}

Graph written(const QuantizedNetwork& network, const FileForm& form) {
  const testing::TemporaryDirectory folder;
  onnx_io::write_onnx_file(folder / "net.onnx", export_file(network, form));
  return graph_for_rules(folder / "net.onnx");
}

TEST(TargetRules, HoldInTheFilesOfEveryTarget) {
  const Model model = ruled_model();
  for (const TargetRow& target : targets::target_table().rows()) {
    const QuantizedNetwork network = ruled_network(model, target);
    for (const FileForm& form : forms_of(target)) {
      SCOPED_TRACE(target.name);
      EXPECT_EQ(texts_of(check_rules(written(network, form), target)), "");
    }
  }
}

// --- planted violations --------------------------------------------------------------------------

using Condition = std::function<bool(NodeId)>;

NodeId find_node(const Graph& graph, const Condition& fits) {
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    if (fits(static_cast<NodeId>(n))) return static_cast<NodeId>(n);
  }
  return kNoNode;
}

bool is(const Graph& graph, NodeId id, std::string_view op_type) {
  return id != kNoNode && graph.node(id).domain.empty() && graph.node(id).is(op_type);
}

NodeId maker(const Graph& graph, ValueId id) {
  return id == kNoValue ? kNoNode : graph.producer(id);
}

NodeId first_quantizer(const Graph& graph) {
  return find_node(graph, [&](NodeId id) { return is(graph, id, "QuantizeLinear"); });
}

/// The dequantizer of the weight of the first `op_type`.
NodeId weight_decoder(const Graph& graph, std::string_view op_type = "Conv") {
  const NodeId layer = find_node(graph, [&](NodeId id) {
    return is(graph, id, op_type) &&
           is(graph, maker(graph, graph.node(id).input(1)), "DequantizeLinear");
  });
  return layer == kNoNode ? kNoNode : maker(graph, graph.node(layer).input(1));
}

const Tensor& constant_at(const Graph& graph, NodeId node, std::size_t input) {
  return graph.value(graph.node(node).inputs.at(input)).constant.value();
}

/// Gives the node another constant operand; other readers keep the old one.
void set_operand(Graph& graph, NodeId node, std::size_t input, Tensor tensor) {
  const ValueId constant = graph.add_constant("", std::move(tensor));
  auto& inputs = graph.mutable_node(node).inputs;
  if (inputs.size() <= input) inputs.resize(input + 1, kNoValue);
  inputs[input] = constant;
}

/// The same elements, changed by `change`.
Tensor changed(const Tensor& tensor, const std::function<float(float)>& change) {
  std::vector<float> values = tensor.to_floats();
  for (float& value : values) value = change(value);
  return Tensor::from(tensor.shape(), values).converted_to(tensor.type());
}

bool plant_opset(Graph& graph) {
  graph.opset = 12;
  return true;
}

bool plant_computed_scale(Graph& graph) {
  const NodeId decoder = weight_decoder(graph);
  const ValueId scale = graph.node(decoder).input(1);
  const Tensor value = *graph.value(scale).constant;
  const ValueId computed = graph.add_op({.name = "copy", .op_type = "Identity", .inputs = {scale}});
  graph.mutable_value(computed).constant = value;
  graph.mutable_node(decoder).inputs[1] = computed;
  return true;
}

bool plant_code_type(Graph& graph) {
  const NodeId quantizer = first_quantizer(graph);
  const bool is_signed = constant_at(graph, quantizer, 2).type() == DataType::Int8;
  set_operand(graph,
              quantizer,
              2,
              is_signed ? Tensor::scalar(std::uint8_t{128}) : Tensor::scalar(std::int8_t{0}));
  return true;
}

bool plant_two_scales(Graph& graph) {
  set_operand(graph, first_quantizer(graph), 1, Tensor::from({2}, std::vector<float>{0.1F, 0.2F}));
  return true;
}

bool plant_zero_point(Graph& graph) {
  const NodeId quantizer = first_quantizer(graph);
  set_operand(graph, quantizer, 2, changed(constant_at(graph, quantizer, 2), [](float zero) {
                return zero + 1.0F;
              }));
  return true;
}

bool plant_narrow_codes(Graph& graph) {
  const NodeId quantizer = first_quantizer(graph);
  const ValueId codes = graph.node(quantizer).outputs.front();
  const ValueId most = graph.add_constant("", Tensor::scalar(std::int8_t{15}));
  const auto readers = graph.consumers(codes);
  const ValueId clipped =
      graph.add_op({.name = "narrow", .op_type = "Clip", .inputs = {codes, kNoValue, most}});
  for (const NodeId reader : readers) graph.mutable_node(reader).inputs[0] = clipped;
  return true;
}

bool plant_unsigned_weight(Graph& graph) {
  const NodeId decoder = weight_decoder(graph);
  const Tensor& codes = constant_at(graph, decoder, 0);
  set_operand(graph, decoder, 0, changed(codes, [](float level) {
                                   return level;
                                 }).converted_to(DataType::UInt8));
  return true;
}

bool plant_weight_zero(Graph& graph) {
  const NodeId decoder = weight_decoder(graph);
  std::vector<std::int8_t> zeros(constant_at(graph, decoder, 1).to_floats().size(), 0);
  zeros.back() = 1;
  const auto channels = static_cast<std::int64_t>(zeros.size());
  set_operand(graph, decoder, 2, Tensor::from({channels}, zeros));
  return true;
}

bool plant_no_gemm_zero(Graph& graph) {
  const NodeId decoder = weight_decoder(graph, "Gemm");
  if (decoder == kNoNode) return false;
  graph.mutable_node(decoder).inputs.resize(2);
  return true;
}

bool plant_weight_per_tensor(Graph& graph) {
  set_operand(graph, weight_decoder(graph), 1, Tensor::scalar(0.1F));
  return true;
}

bool plant_wide_level(Graph& graph) {
  const NodeId decoder = weight_decoder(graph);
  std::vector<float> levels = constant_at(graph, decoder, 0).to_floats();
  levels.front() = -128.0F;
  set_operand(
      graph,
      decoder,
      0,
      Tensor::from(constant_at(graph, decoder, 0).shape(), levels).converted_to(DataType::Int8));
  return true;
}

/// One unit in the last place.
bool plant_bias_scale(Graph& graph) {
  const NodeId layer = find_node(graph, [&](NodeId id) {
    return is(graph, id, "Conv") &&
           is(graph, maker(graph, graph.node(id).input(2)), "DequantizeLinear");
  });
  if (layer == kNoNode) return false;
  const NodeId decoder = maker(graph, graph.node(layer).input(2));
  std::vector<float> scales = constant_at(graph, decoder, 1).to_floats();
  scales.back() = std::nextafter(scales.back(), std::numeric_limits<float>::max());
  const auto channels = static_cast<std::int64_t>(scales.size());
  set_operand(graph, decoder, 1, Tensor::from({channels}, scales));
  return true;
}

bool plant_integer_bias(Graph& graph) {
  const NodeId layer = find_node(graph, [&](NodeId id) { return is(graph, id, "Conv"); });
  const ValueId steps = graph.add_constant("", Tensor::from({4}, std::vector<std::int32_t>(4, 1)));
  const ValueId scale = graph.add_constant("", Tensor::scalar(0.1F));
  const ValueId bias =
      graph.add_op({.name = "bias", .op_type = "DequantizeLinear", .inputs = {steps, scale}});
  graph.mutable_node(layer).inputs[2] = bias;
  return true;
}

/// The value that a DequantizeLinear decodes, before its QuantizeLinear.
ValueId before_quantizer(const Graph& graph, ValueId value) {
  const NodeId decoder = maker(graph, value);
  if (!is(graph, decoder, "DequantizeLinear")) return kNoValue;
  const NodeId quantizer = maker(graph, graph.node(decoder).input(0));
  return is(graph, quantizer, "QuantizeLinear") ? graph.node(quantizer).input(0) : kNoValue;
}

/// The readers of a convolution's quantized result read the float one.
bool plant_float_result(Graph& graph) {
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    const auto value = static_cast<ValueId>(v);
    const ValueId source = before_quantizer(graph, value);
    if (source == kNoValue || !is(graph, maker(graph, source), "Conv")) continue;
    graph.replace_uses(value, source, true);
    graph.erase_dead_nodes();
    return true;
  }
  return false;
}

bool plant_relu(Graph& graph) {
  const NodeId quantizer = find_node(graph, [&](NodeId id) {
    return is(graph, id, "QuantizeLinear") && constant_at(graph, id, 2).to_floats()[0] == 0.0F;
  });
  if (quantizer == kNoNode) return false;
  const ValueId value = graph.node(quantizer).input(0);
  const ValueId bounded = graph.add_op({.name = "relu", .op_type = "Relu", .inputs = {value}});
  graph.mutable_node(quantizer).inputs[0] = bounded;
  return true;
}

/// A quantized operand of the residual Add becomes float.
bool plant_float_operand(Graph& graph) {
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    if (!is(graph, id, "Add")) continue;  // tables are unpacked by others
    for (std::size_t i = 0; i < 2; ++i) {
      const ValueId source = before_quantizer(graph, graph.node(id).inputs[i]);
      if (source == kNoValue) continue;
      graph.mutable_node(id).inputs[i] = source;
      return true;
    }
  }
  return false;
}

/// An operator that moves numbers gets another scale at its last operand; for a Concat that is one
/// of several.
bool plant_other_scale(Graph& graph, const TargetRow& target) {
  const bool joins = target.form_of({.op_type = "Concat"}) == graph::IntegerForm::PassesCodes;
  const NodeId moves =
      find_node(graph, [&](NodeId id) { return is(graph, id, joins ? "Concat" : "MaxPool"); });
  const NodeId decoder = maker(graph, graph.node(moves).inputs.back());
  if (!is(graph, decoder, "DequantizeLinear")) return false;
  set_operand(graph, decoder, 1, changed(constant_at(graph, decoder, 1), [](float scale) {
                return 2.0F * scale;
              }));
  return true;
}

bool plant_free_scale(Graph& graph) {
  const NodeId sigmoid = find_node(graph, [&](NodeId id) { return is(graph, id, "Sigmoid"); });
  const NodeId quantizer = graph.consumers(graph.node(sigmoid).outputs.front()).front();
  set_operand(graph, quantizer, 1, Tensor::scalar(1.0F / 255.0F));
  return true;
}

bool plant_quantized_activation(Graph& graph) {
  const NodeId layer = find_node(graph, [&](NodeId id) { return is(graph, id, "Conv"); });
  const ValueId value = graph.node(layer).input(0);
  const ValueId scale = graph.add_constant("", Tensor::scalar(0.1F));
  const ValueId zero = graph.add_constant("", Tensor::scalar(std::uint8_t{0}));
  const ValueId codes =
      graph.add_op({.name = "q", .op_type = "QuantizeLinear", .inputs = {value, scale, zero}});
  const ValueId real =
      graph.add_op({.name = "dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}});
  graph.mutable_node(layer).inputs[0] = real;
  return true;
}

using Plant = std::function<bool(Graph&, const TargetRow&)>;

Plant alone(bool (*plant)(Graph&)) {
  return [=](Graph& graph, const TargetRow&) { return plant(graph); };
}

const std::map<std::string, Plant>& plants() {
  static const std::map<std::string, Plant> all{
      {"opset", alone(plant_opset)},
      {"initializers", alone(plant_computed_scale)},
      {"code type", alone(plant_code_type)},
      {"one scale", alone(plant_two_scales)},
      {"symmetric", alone(plant_zero_point)},
      {"activation width", alone(plant_narrow_codes)},
      {"weight type", alone(plant_unsigned_weight)},
      {"weight zero point", alone(plant_weight_zero)},
      {"gemm zero point", alone(plant_no_gemm_zero)},
      {"weight scales", alone(plant_weight_per_tensor)},
      {"weight levels", alone(plant_wide_level)},
      {"bias", alone(plant_bias_scale)},
      {"float bias", alone(plant_integer_bias)},
      {"result", alone(plant_float_result)},
      {"bounds", alone(plant_relu)},
      {"operands", alone(plant_float_operand)},
      {"residual", alone(plant_float_operand)},
      {"shared scale", plant_other_scale},
      {"fixed scale", alone(plant_free_scale)},
      {"float activations", alone(plant_quantized_activation)},
      {"float kernels", alone(plant_quantized_activation)},
  };
  return all;
}

TEST(TargetRules, APlantedViolationOfEveryRuleIsFound) {
  const Model model = ruled_model();
  std::set<std::string_view> tried;
  for (const TargetRow& target : targets::target_table().rows()) {
    const QuantizedNetwork network = ruled_network(model, target);
    const Graph whole = written(network, forms_of(target).back());
    for (const targets::Rule& rule : targets::target_rules()) {
      if (!rule.applies(target)) continue;
      SCOPED_TRACE(std::string(target.name) + ", " + std::string(rule.name));
      Graph broken = whole;
      const auto plant = plants().find(std::string(rule.name));
      ASSERT_NE(plant, plants().end()) << "the rule has no planted violation";
      ASSERT_TRUE(plant->second(broken, target)) << "the network has no place for it";
      std::set<std::string> found;
      for (const auto& violation : check_rules(broken, target)) found.insert(violation.rule);
      EXPECT_TRUE(found.contains(std::string(rule.name)));
      tried.insert(rule.name);
    }
  }
  EXPECT_EQ(tried.size(), targets::target_rules().size()) << "a rule that applies to no target";
}

// --- what files for other runtimes must also do --------------------------------------------------

TEST(TargetFiles, AreReadBackWithTheSameNumbers) {
  const Model model = ruled_model();
  const Tensor inputs = ruled_inputs(50, 9);
  const testing::TemporaryDirectory folder;
  for (const TargetRow& target : targets::target_table().rows()) {
    SCOPED_TRACE(target.name);
    const QuantizedNetwork network = ruled_network(model, target);
    for (const FileForm& form : forms_of(target)) {
      const auto file = folder / "net.onnx";
      onnx_io::write_onnx_file(file, export_file(network, form));
      const QuantizedNetwork there{.graph = load_graph(file), .weights = {}};
      EXPECT_EQ(different_elements(run_here(network, inputs), run_here(there, inputs)), 0);
      const QuantizedFile read = read_quantized_file(model, file);
      EXPECT_EQ(read.weight_bits, std::vector<int>(model.discovery.layers.size(), 5));
      const std::optional<int> bits = target.weights_only ? std::nullopt : std::optional(8);
      for (const auto& width : read.activation_bits) EXPECT_EQ(width, bits);
    }
  }
}

TEST(TargetFiles, HaveThePredictedSizes) {
  const Model model = ruled_model();
  const std::size_t layers = model.discovery.layers.size();
  for (const TargetRow& target : targets::target_table().rows()) {
    SCOPED_TRACE(target.name);
    const int activations = target.weights_only ? allocation::kFloatBits : 8;
    for (const int bits : {3, 7}) {
      const QuantizedNetwork network = ruled_network(model, target, bits);
      for (const FileForm& form : forms_of(target)) {
        const rounding::WeightOptions options{.target = std::string(target.name)};
        const FileSize promised(model, options, form);
        EXPECT_EQ(
            promised.bytes(std::vector<int>(layers, bits), std::vector<int>(layers, activations)),
            static_cast<std::int64_t>(export_file(network, form).size()))
            << bits << " bits";
      }
    }
  }
}

double largest_difference(const Tensor& expected, const Tensor& got) {
  double largest = 0.0;
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    const double difference = static_cast<double>(expected.data<float>()[i]) - got.data<float>()[i];
    largest = std::max(largest, std::abs(difference));
  }
  return largest;
}

/// Its kernels for signed codes and its float operators compute what the executor does; sums in
/// float round differently, so that some codes may differ by one.
TEST(TargetFiles, RunInOnnxRuntime) {
  OMPQ_JUDGE_OR_SKIP();
  const Model model = ruled_model();
  const Tensor inputs = ruled_inputs(50, 9);
  for (const TargetRow& target : targets::target_table().rows()) {
    SCOPED_TRACE(target.name);
    const QuantizedNetwork network = ruled_network(model, target);
    const Tensor expected = run_here(network, inputs);
    for (const FileForm& form : forms_of(target)) {
      const Tensor got =
          testing::run_bytes_in_onnxruntime(export_file(network, form).model, {{"x", inputs}})
              .front();
      EXPECT_LT(largest_difference(expected, got), 0.02) << "probabilities";
    }
  }
}

constexpr int kFirstFourBitType = 21;  // UINT4 of onnx::TensorProto

TEST(TargetFiles, OfPlainTargetsHaveOnlyInitializersAndOneByteCodes) {
  const Model model = ruled_model();
  for (const TargetRow& target : targets::target_table().rows()) {
    if (!target.plain) continue;
    SCOPED_TRACE(target.name);
    const testing::TemporaryDirectory folder;
    FileForm form = forms_of(target).front();
    form.opset = 21;
    onnx_io::write_onnx_file(folder / "net.onnx",
                             export_file(ruled_network(model, target, 4), form));
    std::ifstream in(folder / "net.onnx", std::ios::binary);
    onnx::ModelProto proto;
    ASSERT_TRUE(proto.ParseFromIstream(&in));
    for (const auto& tensor : proto.graph().initializer()) {
      EXPECT_LT(tensor.data_type(), kFirstFourBitType) << tensor.name();
    }
    auto operators = operators_of(folder / "net.onnx");
    for (const char* decoding : {"Expand", "Cast", "Clip", "Max"}) {
      EXPECT_EQ(operators.count(decoding), 0U) << decoding;
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
