#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/graph/layers.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/network.h"
#include "ompq/targets/target_table.h"
#include "pipeline/integer_networks.h"
#include "pipeline/small_model.h"
#include "pipeline/written_networks.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

/// Files for integer kernels in other builds of ONNX Runtime, on other processors, and in OpenVINO.
namespace ompq::pipeline {
namespace {

using quant::Symmetry;
using testing::Judge;

const std::map<std::string, onnx_io::WeightFormat> kIntegerFormats{
    {"packed", onnx_io::WeightFormat::Packed}, {"qdq", onnx_io::WeightFormat::Qdq}};

/// Files of one test, and what they compute here.
class JudgedFiles {
 public:
  void add(const std::string& name,
           const QuantizedNetwork& network,
           const Tensor& inputs,
           onnx_io::WeightFormat format = onnx_io::WeightFormat::Packed,
           int bits = 8) {
    const auto file = folder_ / (std::to_string(jobs.size()) + ".onnx");
    onnx_io::write_onnx_file(file, export_file(network, {.format = format}));
    jobs.push_back({.model = file, .inputs = {{"x", inputs}}});
    names.push_back(name);
    activation_bits.push_back(bits);
    expected.push_back(run_here(network, inputs));
  }

  /// For each file the number of outputs that differ; fails the test if a file does not run.
  [[nodiscard]] std::vector<std::int64_t> differences_in(Judge judge) const {
    std::vector<std::int64_t> differences;
    const auto answers = testing::run_jobs(judge, jobs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i].refusal, "") << names[i];
      differences.push_back(answers[i].outputs.empty()
                                ? -1
                                : different_elements(expected[i], answers[i].outputs.front()));
    }
    return differences;
  }

  std::vector<testing::JudgeJob> jobs;
  std::vector<std::string> names;
  std::vector<int> activation_bits;
  std::vector<Tensor> expected;

 private:
  testing::TemporaryDirectory folder_;
};

Model integer_model_of(graph::Graph graph) {
  Model model;
  model.file = "network.onnx";
  model.sha256 = "0";
  model.graph = std::move(graph);
  model.discovery = graph::discover(model.graph);
  return model;
}

Samples integer_samples_of(const Tensor& x) {
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(x);
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) samples.indices.push_back(i);
  return samples;
}

struct Widths {
  std::vector<int> weights;
  int activations = 8;
};

QuantizedNetwork with_widths(const Model& model,
                             const Tensor& inputs,
                             const Widths& widths,
                             Symmetry symmetry,
                             const std::string& target) {
  return integer_network(model,
                         integer_samples_of(inputs),
                         widths.weights,
                         std::vector<int>(widths.weights.size(), widths.activations),
                         symmetry,
                         target);
}

// --- Processors without VNNI ---

constexpr std::int64_t kExtremeChannels = 16;
constexpr std::int64_t kExtremeSide = 4;
const std::vector<std::string> kExtremeProducts{
    "Conv", "grouped Conv", "depthwise Conv", "Gemm", "MatMul"};

/// Weights with the largest sums: output channels that are positive, negative, or both. Of MatMul,
/// whose channels are along the other axis, all are positive.
void make_extreme(Tensor& weight, const std::string& product) {
  const auto values = weight.mutable_data<float>();
  const std::int64_t per_channel = static_cast<std::int64_t>(values.size()) / kExtremeChannels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t channel = static_cast<std::int64_t>(i) / per_channel;
    const bool negative = channel % 3 == 1 || (channel % 3 == 2 && i % 5 == 4);
    values[i] = negative && product != "MatMul" ? -1.0F : 1.0F;
  }
}

Model extreme_model(const std::string& product) {
  testing::GraphBuilder builder("extreme");
  auto x = builder.input("x",
                         {graph::Dim::batch(),
                          graph::Dim::fixed(kExtremeChannels),
                          graph::Dim::fixed(kExtremeSide),
                          graph::Dim::fixed(kExtremeSide)});
  if (product.ends_with("Conv")) {
    const std::int64_t groups = product == "Conv"           ? 1
                                : product == "grouped Conv" ? 4
                                                            : kExtremeChannels;
    x = builder.conv(
        "layer", x, {.out = kExtremeChannels, .kernel = 3, .groups = groups, .bias = true});
    x = builder.flatten("flatten", x);
  } else {
    x = builder.flatten("flatten", x);
    x = product == "Gemm" ? builder.gemm("layer", x, kExtremeChannels)
                          : builder.linear("layer", x, kExtremeChannels, false);
  }
  Model model = integer_model_of(builder.finish({builder.gemm("head", x, 8)}));
  const graph::ValueId weight = model.graph.find_value("layer.weight");
  make_extreme(*model.graph.mutable_value(weight).constant, product);
  return model;
}

/// Mostly the largest value.
Tensor extreme_inputs(std::int64_t count) {
  Tensor x(DataType::Float32, {count, kExtremeChannels, kExtremeSide, kExtremeSide});
  Random random(7);
  for (float& value : x.mutable_data<float>()) {
    value = std::min(1.0F, static_cast<float>(1.5 * random.uniform()));
  }
  return x;
}

TEST(Avx2Emulation, FilesForAvx2DoNotOverflowAtTheLargestSums) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  JudgedFiles files;
  const Tensor inputs = extreme_inputs(16);
  for (const std::string& product : kExtremeProducts) {
    const Model model = extreme_model(product);
    for (int bits = 1; bits <= 7; ++bits) {
      for (const Symmetry symmetry : {Symmetry::Asymmetric, Symmetry::Symmetric}) {
        const char* word = symmetry == Symmetry::Symmetric ? "symmetric" : "asymmetric";
        files.add(fmt::format("{}, {} bits, {}", product, bits, word),
                  with_widths(model, inputs, {{bits, bits}}, symmetry, "onnxruntime-avx2"),
                  inputs);
      }
    }
  }
  const auto differences = files.differences_in(Judge::Haswell);
  for (std::size_t i = 0; i < differences.size(); ++i) {
    EXPECT_EQ(differences[i], 0) << files.names[i];
  }
}

/// The widths that the target leaves out overflow, so that the test above can fail.
TEST(Avx2Emulation, LargerLevelsOverflowAndNotInWebAssembly) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  JudgedFiles files;
  const Tensor inputs = extreme_inputs(16);
  const targets::TargetRow& avx2 = targets::target("onnxruntime-avx2");
  for (const std::string& product : kExtremeProducts) {
    const Model model = extreme_model(product);
    for (const auto& [bits, symmetry] : std::vector<std::pair<int, Symmetry>>{
             {7, Symmetry::Asymmetric}, {8, Symmetry::Symmetric}}) {
      ASSERT_TRUE(!avx2.supports(BitWidth(bits)) || avx2.needs_symmetric(BitWidth(bits)));
      files.add(fmt::format("{}, {} bits", product, bits),
                with_widths(model, inputs, {{bits, 4}}, symmetry, "onnxruntime"),
                inputs);
    }
  }
  const auto differences = files.differences_in(Judge::Haswell);
  const auto web = files.differences_in(Judge::Web);
  for (std::size_t i = 0; i < differences.size(); ++i) {
    EXPECT_EQ(web[i], 0) << files.names[i];
    if (files.names[i].starts_with("depthwise")) {  // its kernel has sums of 32 bits
      EXPECT_EQ(differences[i], 0) << files.names[i];
    } else {
      EXPECT_GT(differences[i], 0) << files.names[i];
    }
  }
}

// --- Networks with operators between their layers ---

Tensor normal_tensor(std::vector<std::int64_t> shape) {
  Tensor x(DataType::Float32, std::move(shape));
  Random random(13);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

struct SmallNetwork {
  std::string name;
  Model model;
  Tensor inputs;
};

/// Conv, depthwise Conv, Gemm, Add, Mul, Concat, Sigmoid, MaxPool, GlobalAveragePool.
std::vector<SmallNetwork> small_networks() {
  const Tensor inputs = normal_tensor({50, kWrittenChannels, kWrittenSide, kWrittenSide});
  std::vector<SmallNetwork> networks;
  networks.push_back({"small", small_model(16), normal_tensor({50, 3, 8, 8})});
  networks.push_back({"joins", integer_model_of(joins()), inputs});
  networks.push_back({"squeeze", integer_model_of(squeeze()), inputs});
  return networks;
}

/// Both formats, and widths from 1 to 8.
void add_small_networks(JudgedFiles& files, const std::string& target, int largest_bits) {
  for (const SmallNetwork& network : small_networks()) {
    const std::size_t layers = network.model.discovery.layers.size();
    for (const auto& [bits, activation_bits] : std::vector<std::pair<int, int>>{
             {1, 8}, {2, 8}, {3, 4}, {4, 8}, {5, 6}, {largest_bits, 8}}) {
      const Widths widths{std::vector<int>(layers, bits), activation_bits};
      const QuantizedNetwork quantized =
          with_widths(network.model, network.inputs, widths, Symmetry::Asymmetric, target);
      for (const auto& [form, format] : kIntegerFormats) {
        files.add(fmt::format("{}, {} bits, {}", network.name, bits, form),
                  quantized,
                  network.inputs,
                  format,
                  activation_bits);
      }
    }
  }
}

void expect_same_in(Judge judge, const std::string& target, int largest_bits) {
  JudgedFiles files;
  add_small_networks(files, target, largest_bits);
  const auto differences = files.differences_in(judge);
  ASSERT_FALSE(differences.empty());
  for (std::size_t i = 0; i < differences.size(); ++i) {
    EXPECT_EQ(differences[i], 0) << files.names[i];
  }
}

TEST(Avx2Emulation, NetworksComputeTheSameNumbers) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  expect_same_in(Judge::Haswell, "onnxruntime-avx2", 7);
}

TEST(WebBuild, NetworksComputeTheSameNumbersInChromium) {
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  expect_same_in(Judge::Web, "onnxruntime", 8);
}

// --- OpenVINO ---

/// Root mean square of the difference, relative to that of the expected outputs.
double relative_rms(const Tensor& expected, const Tensor& got) {
  double error = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    const double e = expected.data<float>()[i];
    error += std::pow(e - static_cast<double>(got.data<float>()[i]), 2);
    size += e * e;
  }
  return std::sqrt(error / size);
}

const std::set<std::string> kLayerTypes{"Convolution", "FullyConnected", "MatMul"};

/// Layers that run on integers; float ones fail the running test.
std::size_t integer_layers_in(const std::vector<testing::CompiledLayer>& compiled) {
  std::size_t count = 0;
  for (const testing::CompiledLayer& layer : compiled) {
    if (!kLayerTypes.contains(layer.type)) continue;
    const bool integer = layer.precision == "u8" || layer.precision == "i8";
    EXPECT_TRUE(integer) << layer.type << " " << fmt::format("{}", fmt::join(layer.nodes, ", "))
                         << " runs on " << layer.precision;
    count += integer ? 1 : 0;
  }
  return count;
}

TEST(OpenVino, RunsEveryLayerOnIntegers) {
  OMPQ_JUDGE_OR_SKIP(Judge::OpenVino);
  JudgedFiles files;
  add_small_networks(files, "onnxruntime", 8);
  std::map<std::string, std::size_t> layers;
  for (const SmallNetwork& network : small_networks()) {
    layers[network.name] = network.model.discovery.layers.size();
  }
  const auto answers = testing::run_jobs(Judge::OpenVino, files.jobs);
  ASSERT_FALSE(answers.empty());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    SCOPED_TRACE(files.names[i]);
    ASSERT_EQ(answers[i].refusal, "");
    const std::string name = files.names[i].substr(0, files.names[i].find(','));
    EXPECT_EQ(integer_layers_in(answers[i].layers), layers.at(name));
    // OpenVINO rounds some sums to the neighbouring code: at most one code in each of five layers.
    EXPECT_LT(relative_rms(files.expected[i], answers[i].outputs.front()),
              5.0 / (std::ldexp(1.0, files.activation_bits[i]) - 1.0));
  }
}

}  // namespace
}  // namespace ompq::pipeline
