#include <cmath>
#include <filesystem>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

namespace ompq::commands {
namespace {

using graph::DeclaredDim;
using graph::Dim;
using graph::Graph;
using graph::ValueId;

constexpr std::int64_t kRate = 16;
constexpr std::int64_t kOtherRate = 7;
constexpr std::int64_t kHidden = 512;

ValueId add_to(Graph& graph,
               const std::string& type,
               std::vector<ValueId> inputs,
               std::map<std::string, graph::Attribute> attributes = {}) {
  return graph.add_op({.name = "",
                       .op_type = type,
                       .domain = "",
                       .inputs = std::move(inputs),
                       .outputs = {},
                       .attributes = std::move(attributes)});
}

/// Normal numbers that keep what they multiply of order one.
/// @param terms  of a sum.
ValueId weight(Graph& graph,
               const std::string& name,
               std::vector<std::int64_t> shape,
               std::int64_t terms) {
  Tensor drawn = testing::normal_samples(std::move(shape), name.size());
  for (float& value : drawn.mutable_data<float>()) value /= std::sqrt(static_cast<float>(terms));
  return graph.add_constant(name, std::move(drawn));
}

/// Two matrices, [rows, in] -> [rows, out].
ValueId two_layers(Graph& graph, ValueId x, std::int64_t in, std::int64_t out) {
  const ValueId hidden =
      add_to(graph, "Relu", {add_to(graph, "MatMul", {x, weight(graph, "w1", {in, kHidden}, in)})});
  return add_to(graph, "MatMul", {hidden, weight(graph, "last", {kHidden, out}, kHidden)});
}

/// A branch with one input.
template <typename Build>
graph::SubGraph rate_branch(const std::string& name, Build build) {
  auto inside = std::make_shared<Graph>();
  inside->name = name;
  const ValueId x = inside->add_open_input("x");
  inside->mark_output(build(*inside, x));
  return inside;
}

/// tanh(if rate == kRate: two layers of 8 numbers, else one of 6), as networks for two sampling
/// rates are: neither branch fits the samples of the other.
/// @param negated  the branches change places.
Graph network_of_two_rates(bool negated) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(8)});
  const ValueId rate = graph.add_input("rate", DataType::Int64, {});
  const ValueId known = graph.add_constant("known", Tensor::scalar<std::int64_t>(kRate));
  ValueId condition = add_to(graph, "Equal", {rate, known});
  if (negated) condition = add_to(graph, "Not", {condition});
  const auto first =
      rate_branch("first", [](Graph& inside, ValueId in) { return two_layers(inside, in, 8, 4); });
  const auto second = rate_branch("second", [](Graph& inside, ValueId in) {
    return add_to(inside, "MatMul", {in, weight(inside, "other", {6, 4}, 6)});
  });
  const ValueId y = add_to(graph,
                           "If",
                           {condition, x},
                           {{"then_branch", negated ? second : first},
                            {"else_branch", negated ? first : second},
                            {std::string(graph::kCapturesNote), std::int64_t{1}}});
  const ValueId result = add_to(graph, "Tanh", {y});
  graph.mark_output(result);
  const std::vector<DeclaredDim> rows{{.name = "rows"}, {.name = "width"}};
  graph.interface.inputs = {{"x", DataType::Float32, rows},
                            {"rate", DataType::Int64, std::vector<DeclaredDim>{}}};
  graph.interface.outputs = {{graph.value(result).name, DataType::Float32, {}}};
  return graph;
}

/// A convolution over the frames of one sequence, and a state that is added: [frames, 8] and
/// [1, 1, 4] -> [1, frames, 4].
Graph network_of_a_sequence() {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::batch(), Dim::fixed(8)});
  const ValueId state =
      graph.add_input("state", DataType::Float32, {Dim::fixed(1), Dim::fixed(1), Dim::fixed(4)});
  const ValueId front = graph.add_constant("front", Tensor::from<std::int64_t>({1}, {0}));
  const std::map<std::string, graph::Attribute> swap{{"perm", std::vector<std::int64_t>{0, 2, 1}}};
  const std::map<std::string, graph::Attribute> same{{"pads", std::vector<std::int64_t>{1, 1}}};
  ValueId y = add_to(graph, "Transpose", {add_to(graph, "Unsqueeze", {x, front})}, swap);
  y = add_to(graph, "Relu", {add_to(graph, "Conv", {y, weight(graph, "c", {96, 8, 3}, 24)}, same)});
  y = add_to(graph, "Conv", {y, weight(graph, "conv2", {4, 96, 3}, 288)}, same);
  y = add_to(graph, "Add", {add_to(graph, "Transpose", {y}, swap), state});
  graph.mark_output(y);
  graph.interface.inputs = {
      {"x", DataType::Float32, {{{.name = "frames"}, {.size = 8}}}},
      {"state", DataType::Float32, {{{.size = 1}, {.size = 1}, {.size = 4}}}}};
  graph.interface.outputs = {{graph.value(y).name, DataType::Float32, {}}};
  return graph;
}

/// One sample a pass, [1, 8], and its state [2, 1, 8].
Graph network_with_a_state() {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::fixed(1), Dim::fixed(8)});
  const ValueId state =
      graph.add_input("state", DataType::Float32, {Dim::fixed(2), Dim::fixed(1), Dim::fixed(8)});
  const ValueId zero = graph.add_constant("zero", Tensor::scalar<std::int64_t>(0));
  const ValueId sum = add_to(graph, "Add", {x, add_to(graph, "Gather", {state, zero})});
  graph.mark_output(two_layers(graph, sum, 8, 4));
  return graph;
}

struct Files {
  testing::TemporaryDirectory folder;
  std::filesystem::path network = folder / "float.onnx";
  std::filesystem::path written = folder / "small.onnx";
};

/// `ompq quantize float.onnx --data ARRAYS --avg-bits 4 -o small.onnx`
void quantize_with(const Files& files, const Graph& graph, const data::NamedArrays& arrays) {
  onnx_io::export_onnx(graph, files.network);
  GivenOptions given;
  given.texts["MODEL"] = {files.network.string()};
  given.texts["data"] = {data::arrays_text(arrays)};
  given.texts["avg-bits"] = {"4"};
  given.texts["output"] = {files.written.string()};
  const auto command = std::ranges::find(command_table(), "quantize", &CommandRecord::name);
  ASSERT_NE(command, command_table().end());
  (void)quantize({.options = read_options(*command, given), .arrays = {{"data", arrays}}});
  EXPECT_LT(std::filesystem::file_size(files.written),
            std::filesystem::file_size(files.network) / 2);
}

using Inputs = std::map<std::string, Tensor>;

/// |written - float| / |float| in ONNX Runtime.
double error_of(const Files& files, const Inputs& inputs) {
  const auto answers =
      testing::run_jobs(testing::Judge::Python, {{files.network, inputs}, {files.written, inputs}});
  EXPECT_EQ(answers.at(0).refusal, "");
  EXPECT_EQ(answers.at(1).refusal, "");
  if (answers.at(0).outputs.empty() || answers.at(1).outputs.empty()) return NAN;
  const auto wanted = answers[0].outputs[0].data<float>();
  const auto got = answers[1].outputs[0].data<float>();
  EXPECT_EQ(got.size(), wanted.size());
  double difference = 0;
  double sum = 0;
  for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
    difference += std::pow(got[i] - wanted[i], 2.0);
    sum += std::pow(wanted[i], 2.0);
  }
  return std::sqrt(difference / sum);
}

Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed = 3) {
  return testing::normal_samples(std::move(shape), seed);
}

/// Noise of 4 bits through two layers; a network that was damaged is off by 1 and more.
constexpr double kFourBits = 0.3;

class RatesOfSamples : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Negated, RatesOfSamples, ::testing::Bool());

TEST_P(RatesOfSamples, DecideWhichBranchIsQuantizedAndTheOtherStays) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const Files files;
  quantize_with(files,
                network_of_two_rates(GetParam()),
                {{"x", normal({64, 8})}, {"rate", Tensor::scalar<std::int64_t>(kRate)}});
  const double error =
      error_of(files, {{"x", normal({5, 8}, 9)}, {"rate", Tensor::scalar<std::int64_t>(kRate)}});
  EXPECT_GT(error, 0);
  EXPECT_LT(error, kFourBits);
  EXPECT_EQ(
      error_of(files,
               {{"x", normal({5, 6}, 9)}, {"rate", Tensor::scalar<std::int64_t>(kOtherRate)}}),
      0);
}

TEST(RateOfEachSample, CountsAsOneWhereAllAreEqual) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const Files files;
  quantize_with(files,
                network_of_two_rates(false),
                {{"x", normal({64, 8})},
                 {"rate", Tensor::from<std::int64_t>({64}, std::vector<std::int64_t>(64, kRate))}});
  EXPECT_LT(
      error_of(files, {{"x", normal({5, 8}, 9)}, {"rate", Tensor::scalar<std::int64_t>(kRate)}}),
      kFourBits);
}

TEST(SequencesAsSamples, GiveTheirLengthBesideAStateOfOne) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const Files files;
  quantize_with(files,
                network_of_a_sequence(),
                {{"x", normal({40, 12, 8})}, {"state", normal({40, 1, 1, 4}, 5)}});
  for (const std::int64_t frames : {12, 20}) {
    const double error =
        error_of(files, {{"x", normal({frames, 8}, 9)}, {"state", normal({1, 1, 4}, 5)}});
    EXPECT_GT(error, 0) << frames;
    EXPECT_LT(error, kFourBits) << frames;
  }
}

TEST(StatesOfSamples, DifferWhereAPassTakesOneSample) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const Files files;
  quantize_with(
      files, network_with_a_state(), {{"x", normal({40, 8})}, {"state", normal({40, 2, 1, 8}, 5)}});
  const double error =
      error_of(files, {{"x", normal({1, 8}, 9)}, {"state", normal({2, 1, 8}, 10)}});
  EXPECT_GT(error, 0);
  EXPECT_LT(error, kFourBits);
}

}  // namespace
}  // namespace ompq::commands
