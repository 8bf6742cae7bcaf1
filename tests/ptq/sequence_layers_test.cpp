#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/inspect.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/ptq/quantization_plan.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/runtime/executor.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/search.h"
#include "ompq/training/trainable_graph.h"
#include "pipeline/sequence_networks.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

// Embeddings, stacks of matrices and recurrent operators as layers, from the search to the file.

namespace ompq::ptq {
namespace {

using onnx_io::WeightFormat;
using testing::Judge;
using testing::JudgeAnswer;
using testing::JudgeJob;

constexpr std::int64_t kSequenceSamples = 6;
constexpr int kOpset = 13;

pipeline::Model sequence_model(const pipeline::SequenceNetwork& row,
                               const testing::TemporaryDirectory& folder,
                               int opset = kOpset) {
  const auto file = folder / "float.onnx";
  onnx_io::export_onnx(row.make(opset), file, {.format = WeightFormat::Float});
  return pipeline::load_model(file, {});
}

/// Tokens, or rows of features.
Tensor sequence_inputs(const pipeline::SequenceNetwork& row, std::int64_t count) {
  if (!row.reads_tokens)
    return testing::normal_samples({count, pipeline::kSteps, pipeline::kFeatures}, 3);
  Tensor samples(DataType::Float32, {count, pipeline::kSteps});
  Random random(3);
  for (float& value : samples.mutable_data<float>()) {
    value = static_cast<float>(random.next() % pipeline::kTokens);
  }
  return samples;
}

pipeline::Samples sequence_samples(const pipeline::SequenceNetwork& row,
                                   std::int64_t count = kSequenceSamples) {
  pipeline::Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(sequence_inputs(row, count));
  samples.indices = testing::all_indices(count);
  return samples;
}

/// Widths of every kind, the decisions taking turns.
std::vector<int> mixed_widths(const pipeline::Model& model) {
  const std::vector<int> turns{4, 8, 2, 5, 1, 3};
  std::vector<int> widths;
  for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
    widths.push_back(turns[l % turns.size()]);
  }
  for (const graph::Tie& tie : model.discovery.ties) {
    for (const graph::LayerId follower : tie.followers) {
      widths[static_cast<std::size_t>(follower)] = widths[static_cast<std::size_t>(tie.leader)];
    }
  }
  return widths;
}

Tensor output_of_network(const graph::Graph& graph, const Tensor& inputs) {
  return runtime::Executor(graph, {.precision = runtime::Precision::Float32})
      .run(std::vector{inputs})
      .front();
}

/// Sums of float32 in another order.
void expect_close(const Tensor& expected, const JudgeAnswer& answer, const std::string& label) {
  ASSERT_EQ(answer.refusal, "") << label;
  const auto x = expected.data<float>();
  const auto y = answer.outputs.front().data<float>();
  ASSERT_EQ(x.size(), y.size()) << label;
  float max = 1.0F;
  for (const float value : x) max = std::max(max, std::abs(value));
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(x[i], y[i], 1e-5F * max) << label << ", element " << i;
  }
}

class SequenceLayers : public ::testing::TestWithParam<Judge> {};

TEST_P(SequenceLayers, RunInEveryFormAsTheyAreComputed) {
  OMPQ_JUDGE_OR_SKIP(GetParam());
  const testing::TemporaryDirectory folder;
  std::vector<std::string> labels;
  std::vector<JudgeJob> jobs;
  std::vector<Tensor> expected;
  for (const pipeline::SequenceNetwork& row : pipeline::sequence_networks()) {
    const pipeline::Model model = sequence_model(row, folder);
    const Tensor inputs = sequence_inputs(row, kSequenceSamples);
    for (const auto symmetry :
         {quant::Symmetry::Asymmetric, quant::Symmetry::Symmetric, quant::Symmetry::Normal}) {
      const pipeline::QuantizedNetwork network =
          pipeline::quantize_network(model, mixed_widths(model), {}, {.symmetry = symmetry});
      const Tensor computed = output_of_network(network.graph, inputs);
      const Tensor given = row.reads_tokens ? inputs.converted_to(DataType::Int64) : inputs;
      for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
        for (const int opset : {13, 17, 21}) {
          const auto file = folder / fmt::format("{}.onnx", labels.size());
          onnx_io::write_onnx_file(
              file, pipeline::export_file(network, {.format = format, .opset = opset}));
          for (const std::string optimization : {"disabled", "all"}) {
            labels.push_back(fmt::format("{}, form {}, opset {}, {}",
                                         row.name,
                                         static_cast<int>(format),
                                         opset,
                                         optimization));
            jobs.push_back({file, {{row.reads_tokens ? "ids" : "x", given}}, optimization});
            expected.push_back(computed);
          }
        }
      }
    }
  }
  const std::vector<JudgeAnswer> answers = run_jobs(GetParam(), jobs);
  for (std::size_t i = 0; i < labels.size(); ++i) expect_close(expected[i], answers[i], labels[i]);
}

TEST_P(SequenceLayers, RunWithQuantizedActivationsWithOptimizationsAndWithout) {
  OMPQ_JUDGE_OR_SKIP(GetParam());
  const testing::TemporaryDirectory folder;
  std::vector<std::string> labels;
  std::vector<JudgeJob> jobs;
  for (const pipeline::SequenceNetwork& row : pipeline::sequence_networks()) {
    const pipeline::Model model = sequence_model(row, folder);
    pipeline::Samples samples = sequence_samples(row);
    const std::vector<std::optional<int>> eight(model.discovery.layers.size(), 8);
    rounding::CalibrationOptions options;
    options.target = "exact";
    const auto activations = pipeline::calibrate(model, eight, samples, options, {});
    const pipeline::QuantizedNetwork network = pipeline::quantize_network(
        model, mixed_widths(model), activations, {.target = options.target});
    const Tensor inputs = sequence_inputs(row, kSequenceSamples);
    const Tensor given = row.reads_tokens ? inputs.converted_to(DataType::Int64) : inputs;
    for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
      const auto file = folder / fmt::format("{}.onnx", labels.size());
      onnx_io::write_onnx_file(file, pipeline::export_file(network, {.format = format}));
      labels.push_back(fmt::format("{}, form {}", row.name, static_cast<int>(format)));
      for (const std::string optimization : {"disabled", "all"}) {
        jobs.push_back({file, {{row.reads_tokens ? "ids" : "x", given}}, optimization});
      }
    }
  }
  const std::vector<JudgeAnswer> answers = run_jobs(GetParam(), jobs);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ASSERT_EQ(answers[2 * i].refusal, "") << labels[i];
    expect_close(answers[2 * i].outputs.front(), answers[2 * i + 1], labels[i]);
  }
}

TEST_P(SequenceLayers, RunOnIntegersAsTheyAreComputed) {
  OMPQ_JUDGE_OR_SKIP(GetParam());
  const testing::TemporaryDirectory folder;
  std::vector<std::string> labels;
  std::vector<JudgeJob> jobs;
  std::vector<Tensor> expected;
  for (const pipeline::SequenceNetwork& row : pipeline::sequence_networks()) {
    const pipeline::Model model = sequence_model(row, folder);
    pipeline::Samples samples = sequence_samples(row);
    const std::vector<std::optional<int>> eight(model.discovery.layers.size(), 8);
    rounding::CalibrationOptions options;
    options.target = "onnxruntime";
    const auto activations = pipeline::calibrate(model, eight, samples, options, {});
    const pipeline::QuantizedNetwork network = pipeline::quantize_network(
        model, mixed_widths(model), activations, {.target = options.target});
    const Tensor inputs = sequence_inputs(row, kSequenceSamples);
    const Tensor given = row.reads_tokens ? inputs.converted_to(DataType::Int64) : inputs;
    runtime::ExecutorOptions running{.precision = runtime::Precision::Float32};
    running.integer_kernels = true;
    runtime::Executor executor(network.graph, running);
    const Tensor computed = executor.run(std::vector{inputs}).front();
    for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq}) {
      const auto file = folder / fmt::format("{}.onnx", labels.size());
      onnx_io::write_onnx_file(file, pipeline::export_file(network, {.format = format}));
      labels.push_back(fmt::format("{}, form {}", row.name, static_cast<int>(format)));
      jobs.push_back({file, {{row.reads_tokens ? "ids" : "x", given}}, "all"});
      expected.push_back(computed);
    }
  }
  const std::vector<JudgeAnswer> answers = run_jobs(GetParam(), jobs);
  for (std::size_t i = 0; i < labels.size(); ++i) expect_close(expected[i], answers[i], labels[i]);
}

INSTANTIATE_TEST_SUITE_P(Judges,
                         SequenceLayers,
                         ::testing::Values(Judge::Node, Judge::Python),
                         [](const auto& tested) {
                           return tested.param == Judge::Node ? "Node" : "Python";
                         });

class SequenceLayer : public ::testing::TestWithParam<pipeline::SequenceNetwork> {
 protected:
  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = sequence_model(GetParam(), folder_);
};

INSTANTIATE_TEST_SUITE_P(Networks,
                         SequenceLayer,
                         ::testing::ValuesIn(pipeline::sequence_networks()),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::erase_if(name, [](char c) { return std::isalnum(c) == 0; });
                           return name;
                         });

TEST_P(SequenceLayer, IsListedWithEveryWeight) {
  EXPECT_EQ(model_.discovery.layers.size(), GetParam().layers);
  std::set<graph::ValueId> weights;
  for (const graph::Layer& layer : model_.discovery.layers) weights.insert(layer.weight);
  for (std::size_t i = 0; i < model_.graph.values().size(); ++i) {
    const auto id = static_cast<graph::ValueId>(i);
    if (!model_.graph.is_constant(id) || model_.graph.consumers(id).empty()) continue;
    const Tensor& tensor = *model_.graph.value(id).constant;
    const bool is_matrix = tensor.type() == DataType::Float32 && tensor.rank() >= 2;
    const bool is_bias = model_.graph.value(id).name.ends_with(".b");
    EXPECT_EQ(is_matrix && !is_bias, weights.contains(id)) << model_.graph.value(id).name;
  }
  const report::Inspection shown = pipeline::inspect(model_);
  for (std::size_t l = 0; l < shown.layers.size(); ++l) {
    EXPECT_EQ(shown.layers[l].float_input,
              model_.discovery.layers[l].activation == graph::kNoValue);
  }
}

TEST_P(SequenceLayer, HasTheSizeThatItsBitsSay) {
  // Zero points would grow with the bits, too.
  const pipeline::FileSize size(model_, {.symmetry = quant::Symmetry::Symmetric}, {});
  const std::vector<int> floats(model_.discovery.layers.size(), allocation::kFloatBits);
  const auto at = [&](int bits) {
    return size.bytes(std::vector<int>(model_.discovery.layers.size(), bits), floats);
  };
  std::int64_t codes = 0;
  std::set<graph::ValueId> counted;
  for (const graph::Layer& layer : model_.discovery.layers) {
    if (counted.insert(layer.weight).second) codes += layer.weight_count;
  }
  // 8 bits take no tables to unpack them, and 4 bits one of 256 entries.
  constexpr std::int64_t kTables = 1024;
  EXPECT_NEAR(at(8) - at(4), codes / 2, kTables);
  EXPECT_NEAR(at(4) - at(2), codes / 4, kTables);
  const pipeline::QuantizedNetwork network =
      pipeline::quantize_network(model_, mixed_widths(model_), {}, {});
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    EXPECT_EQ(
        pipeline::FileSize(model_, {}, {.format = format}).bytes(mixed_widths(model_), floats),
        static_cast<std::int64_t>(pipeline::export_file(network, {.format = format}).size()));
  }
}

TEST_P(SequenceLayer, IsReadBackWithNormalLevels) {
  const pipeline::QuantizedNetwork network = pipeline::quantize_network(
      model_, mixed_widths(model_), {}, {.symmetry = quant::Symmetry::Normal});
  for (const auto format : {WeightFormat::Packed, WeightFormat::Float}) {
    const auto file = folder_ / "written.onnx";
    onnx_io::write_onnx_file(file, pipeline::export_file(network, {.format = format}));
    const pipeline::QuantizedFile read = pipeline::read_quantized_file(model_, file);
    EXPECT_EQ(read.weight_bits, mixed_widths(model_));
    for (const auto& [name, weight] : network.weights) {
      EXPECT_TRUE(quant::dequantize(read.codes.weights.at(name)).equals(quant::dequantize(weight)))
          << name << ", form " << static_cast<int>(format);
    }
  }
}

TEST_P(SequenceLayer, IsReadBackFromEveryForm) {
  const pipeline::QuantizedNetwork network =
      pipeline::quantize_network(model_, mixed_widths(model_), {}, {});
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    const auto file = folder_ / "written.onnx";
    onnx_io::write_onnx_file(file, pipeline::export_file(network, {.format = format}));
    const pipeline::QuantizedFile read = pipeline::read_quantized_file(model_, file);
    EXPECT_EQ(read.weight_bits, mixed_widths(model_));
    for (const auto& [name, weight] : network.weights) {
      EXPECT_TRUE(quant::dequantize(read.codes.weights.at(name)).equals(quant::dequantize(weight)))
          << name << ", form " << static_cast<int>(format);
    }
  }
}

TEST_P(SequenceLayer, IsAllocatedByEveryAllocator) {
  for (const search::AllocatorRow& row : search::allocator_table()) {
    pipeline::Samples samples = sequence_samples(GetParam(), 16);
    search::SearchOptions options;
    options.allocator = row.name;
    options.beside = {};
    options.request.budget.average_bits = 4;
    options.request.candidates = {2, 4, 8};
    options.executor.precision = runtime::Precision::Float32;
    const report::Search found = search::search(model_, samples, options).report;
    ASSERT_EQ(found.allocations.size(), 1U) << row.name;
    EXPECT_LE(found.allocations.front().average_bits, 4.0 + 1e-9) << row.name;
    for (const report::DroppedMetric& dropped : found.dropped) {
      // The one that needs scores of classes, which a class for every step is not.
      EXPECT_EQ(dropped.metric, "output-kl") << row.name << ": " << dropped.reason;
    }
  }
}

TEST_P(SequenceLayer, HasCodesByEveryMethod) {
  for (const MethodRow& row : method_table()) {
    if (row.is_plain()) continue;
    const std::string method(row.name);
    pipeline::Samples samples = sequence_samples(GetParam(), 16);
    const rounding::NetworkCodes nearest =
        pipeline::nearest_codes(model_, mixed_widths(model_), {}, {});
    MethodOptions options{.method = method, .iterations = 8, .epochs = 1, .threads = 1};
    report::Reconstruction result;
    const rounding::NetworkCodes made =
        round_network(model_, nearest, *samples.dataset, samples.indices, options, nullptr, result);
    ASSERT_EQ(made.weights.size(), nearest.weights.size()) << method;
    for (const auto& [name, weight] : made.weights) {
      EXPECT_EQ(weight.codes.size(), nearest.weights.at(name).codes.size()) << method;
      EXPECT_EQ(weight.params.granularity, nearest.weights.at(name).params.granularity) << method;
    }
    const pipeline::QuantizedNetwork network =
        pipeline::assemble_network(model_, mixed_widths(model_), made);
    const Tensor output =
        output_of_network(network.graph, sequence_inputs(GetParam(), kSequenceSamples));
    for (const float value : output.data<float>()) ASSERT_TRUE(std::isfinite(value)) << method;
  }
}

TEST_P(SequenceLayer, HasAGradientForEveryWeightInTraining) {
  training::TrainableGraph network(model_.graph);
  network.quantize(pipeline::nearest_codes(model_, mixed_widths(model_), {}, {}), "lsq");
  Tensor inputs = sequence_inputs(GetParam(), kSequenceSamples);
  if (GetParam().reads_tokens) inputs = inputs.converted_to(DataType::Int64);
  const at::Tensor given = ops::to_aten(inputs);
  const auto outputs = network.forward({&given, 1}, training::Mode::Training);
  outputs.front().square().sum().backward();
  std::size_t weights = 0;
  for (const training::Parameter& parameter : network.parameters()) {
    if (parameter.role != training::Role::Weight) continue;
    ++weights;
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.tensor.grad().abs().max().item<float>(), 0.0F) << parameter.name;
  }
  std::set<graph::ValueId> distinct;
  for (const graph::Layer& layer : model_.discovery.layers) distinct.insert(layer.weight);
  EXPECT_EQ(weights, distinct.size());
}

/// Rows of the widest constant of bytes that a Gather by the network's input reads.
std::int64_t rows_looked_up(const graph::Graph& graph) {
  std::int64_t rows = 0;
  for (const graph::Node& node : graph.nodes()) {
    if (!node.is("Gather") || !graph.is_constant(node.input(0))) continue;
    const auto& inputs = graph.inputs();
    if (std::find(inputs.begin(), inputs.end(), node.input(1)) == inputs.end()) continue;
    const Tensor& table = *graph.value(node.input(0)).constant;
    const bool bytes = table.type() == DataType::UInt8 || table.type() == DataType::Int8;
    if (bytes) rows = std::max(rows, table.shape().front());
  }
  return rows;
}

TEST(LargeEmbeddings, AreDecodedRowByRow) {
  const testing::TemporaryDirectory folder;
  const pipeline::SequenceNetwork row{"large",
                                      [](int opset) { return pipeline::large_table(8, opset); }};
  const pipeline::Model model = sequence_model(row, folder);
  for (const int bits : {1, 2, 3, 4, 7, 8}) {
    const pipeline::QuantizedNetwork network =
        pipeline::quantize_network(model, {bits, 8}, {}, {.symmetry = quant::Symmetry::Symmetric});
    for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq}) {
      onnx_io::write_onnx_file(folder / "w.onnx",
                               pipeline::export_file(network, {.format = format}));
      EXPECT_EQ(rows_looked_up(onnx_io::import_onnx(folder / "w.onnx", {})), 8192)
          << bits << " bits, form " << static_cast<int>(format);
    }
  }
}

TEST(TiedEmbeddings, AreStoredOnce) {
  const testing::TemporaryDirectory folder;
  std::vector<std::int64_t> bytes;
  for (const std::string head : {"transposed", "copied"}) {
    const pipeline::SequenceNetwork row{
        head, [&](int opset) { return pipeline::tied_transformer(head, opset); }};
    const pipeline::Model model = sequence_model(row, folder);
    const std::vector<int> floats(model.discovery.layers.size(), allocation::kFloatBits);
    bytes.push_back(pipeline::FileSize(model, {}, {}).bytes(mixed_widths(model), floats));
  }
  // The same network but for names.
  EXPECT_NEAR(bytes[0], bytes[1], 32);
}

}  // namespace
}  // namespace ompq::ptq
