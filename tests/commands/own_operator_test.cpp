/// An operator that nothing in ompq names but its rows goes from the command line to the written
/// file.
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_line.h"
#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/data/named_arrays.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/registered_operator.h"
#include "ompq/ops/run.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

namespace ompq::commands {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoNode;
using graph::NodeId;
using graph::ValueId;
using testing::GraphBuilder;

at::Tensor leak(const at::Tensor& x) { return at::maximum(x, x * 0.25); }

const ops::Operator kLeak{.type = "Leak",
                          .domain = "example",
                          .since_opset = 1,
                          .min_inputs = 1,
                          .max_outputs = 1,
                          .check = ops::needs_float,
                          .infer = ops::same_as_first,
                          .run = ops::in_float32<ops::unary<leak>>};

graph::OperatorTraits traits_of_leak() {
  return {.type = "Leak",
          .domain = "example",
          .role = graph::Role::Activation,
          .homogeneous = true,
          .post_op = graph::PostOp::LeakyRelu,
          .parameters = {{"alpha", 0.25F}}};
}

/// Two convolutions, each with a Leak after it, and a linear layer.
Graph network_with_leaks() {
  GraphBuilder b("leaks", 5);
  ValueId x = b.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  for (const std::string name : {"first", "second"}) {
    x = b.conv(name, x, {.out = 8, .kernel = 3, .bias = true});
    x = b.op({.name = name + "_leak", .op_type = "Leak", .domain = "example", .inputs = {x}},
             b.shape(x));
  }
  return b.finish({b.gemm("last", b.flatten("flat", b.global_average_pool("pool", x)), 4)});
}

/// A float network in a folder, and `ompq quantize float.onnx ... -o small.onnx`.
class QuantizeWithOwnOperator : public ::testing::Test {
 protected:
  QuantizeWithOwnOperator() { onnx_io::export_onnx(network_with_leaks(), float_file_); }

  report::Quantization run(const std::vector<std::string>& more = {}) {
    const data::NamedArrays arrays{{"x", testing::normal_samples({48, 3, 8, 8}, 3)}};
    std::vector<std::string> words{"ompq", "quantize", float_file_.string()};
    words.insert(words.end(), {"--data", data::arrays_text(arrays), "--avg-bits", "6", "--quiet"});
    words.insert(words.end(), {"--output", small_file_.string()});
    words.insert(words.end(), more.begin(), more.end());
    std::vector<const char*> line;
    for (const std::string& word : words) line.push_back(word.c_str());
    const auto asked = app::parse_command_line(static_cast<int>(line.size()), line.data());
    return quantize(
        {.options = std::get<CommandRequest>(asked).values, .arrays = {{"data", arrays}}});
  }

  testing::TemporaryDirectory folder_;
  std::filesystem::path float_file_ = folder_ / "float.onnx";
  std::filesystem::path small_file_ = folder_ / "small.onnx";
};

std::vector<float> outputs_of(const Graph& graph, bool fuse) {
  runtime::ExecutorOptions options;
  options.precision = runtime::Precision::Float32;
  options.fuse = fuse;
  runtime::Executor executor(graph, options);
  const std::vector<Tensor> inputs{testing::normal_samples({16, 3, 8, 8}, 9)};
  return executor.run(inputs).front().to_floats();
}

/// |a - b| / |b|
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(a.at(i) - b[i], 2.0);
    sum += std::pow(b[i], 2.0);
  }
  return std::sqrt(difference / sum);
}

TEST_F(QuantizeWithOwnOperator, IsRefusedByNameWithoutARow) {
  try {
    (void)run();
    ADD_FAILURE() << "Leak was run without a row";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("Leak node 'first_leak'"));
  }
}

TEST_F(QuantizeWithOwnOperator, BelongsToItsLayerAndIsFused) {
  const ops::RegisteredOperator leak_row(kLeak, traits_of_leak());
  const pipeline::Model model = pipeline::load_model(float_file_);
  ASSERT_EQ(model.discovery.layers.size(), 3U);
  EXPECT_EQ(model.graph.node(model.graph.producer(model.discovery.layers[0].feature)).op_type,
            "Leak");
  Graph fused = model.graph;
  graph::fuse(fused);
  EXPECT_EQ(fused.node(0).op_type, "FusedConv");
  EXPECT_EQ(graph::activation_of(fused.node(0)).type, "Leak");
  EXPECT_LT(distance(outputs_of(model.graph, true), outputs_of(model.graph, false)), 1e-5);
}

TEST_F(QuantizeWithOwnOperator, IsQuantizedCalibratedWrittenAndReadBack) {
  const ops::RegisteredOperator leak_row(kLeak, traits_of_leak());
  const pipeline::Model before = pipeline::load_model(float_file_);
  for (const auto& [format, target] :
       std::map<std::string, std::string>{{"packed", "exact"}, {"qdq", "onnxruntime"}}) {
    (void)run({"--format", format, "--target", target});
    EXPECT_LT(std::filesystem::file_size(small_file_), std::filesystem::file_size(float_file_))
        << format;
    const pipeline::Model after = pipeline::load_model(small_file_);
    int leaks = 0;
    for (const graph::Node& node : after.graph.nodes()) {
      if (!node.is("Leak")) continue;
      ++leaks;
      EXPECT_EQ(node.domain, "example");
      // With float kernels, what a layer reads is quantized, not what the activation reads: after
      // the second one, that is the pool's result. An integer convolution's result is quantized.
      const std::string maker = target == "exact" ? "Conv" : "DequantizeLinear";
      EXPECT_EQ(after.graph.node(after.graph.producer(node.inputs[0])).op_type, maker);
      const std::vector<NodeId> readers = after.graph.consumers(node.outputs[0]);
      ASSERT_EQ(readers.size(), 1U);
      const std::string reader = node.name == "first_leak" ? "QuantizeLinear" : "GlobalAveragePool";
      EXPECT_EQ(after.graph.node(readers.front()).op_type, reader) << node.name;
    }
    EXPECT_EQ(leaks, 2) << format;
    const double error = distance(outputs_of(after.graph, true), outputs_of(before.graph, true));
    EXPECT_GT(error, 0) << format;
    EXPECT_LT(error, 0.1) << format;
  }
}

}  // namespace
}  // namespace ompq::commands
