#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/file_graph.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "pipeline/written_networks.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

// What is written, in every form, in a stock runtime.

namespace ompq::pipeline {
namespace {

using onnx_io::WeightFormat;
using testing::Judge;
using testing::JudgeAnswer;
using testing::JudgeJob;

constexpr std::int64_t kWrittenSamples = 4;

Samples samples_for(const Model& model, std::int64_t count = kWrittenSamples) {
  auto extents = graph::extents_at(*model.graph.value(model.graph.inputs().front()).shape, count);
  Samples samples;
  samples.dataset =
      std::make_unique<testing::MemoryDataset>(testing::normal_samples(std::move(extents), 3));
  samples.indices = testing::all_indices(count);
  return samples;
}

/// Widths of every kind, the layers taking turns.
QuantizedNetwork quantized(const Model& model) {
  const std::vector<int> turns{4, 8, 2, 6};
  std::vector<int> weight_bits;
  std::vector<std::optional<int>> activation_bits;
  for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
    weight_bits.push_back(turns[l % turns.size()]);
    activation_bits.emplace_back(8);
  }
  // Layers that share a weight have one width.
  for (const graph::Tie& tie : model.discovery.ties) {
    for (const graph::LayerId follower : tie.followers) {
      weight_bits[static_cast<std::size_t>(follower)] =
          weight_bits[static_cast<std::size_t>(tie.leader)];
    }
  }
  Samples samples = samples_for(model);
  const auto activations = calibrate(model, activation_bits, samples, {}, {});
  return quantize_network(model, weight_bits, activations, {});
}

/// The float network in a file, as load_model() reads it.
Model loaded(const graph::Graph& graph,
             const std::filesystem::path& file,
             const onnx_io::ImportOptions& options = {}) {
  onnx_io::export_onnx(graph, file, {.format = WeightFormat::Float});
  return load_model(file, options);
}

std::string name_of(WeightFormat format) {
  return format == WeightFormat::Packed ? "packed" : format == WeightFormat::Qdq ? "qdq" : "float";
}

/// Every form of a network at every opset, each to be run with optimizations and without.
struct Product {
  std::vector<std::string> labels;  ///< one for two jobs
  std::vector<JudgeJob> jobs;
};

void add_forms(const std::string& name,
               const QuantizedNetwork& network,
               const std::map<std::string, Tensor>& inputs,
               const testing::TemporaryDirectory& folder,
               Product& product) {
  for (const WeightFormat format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    for (int opset = 13; opset <= 21; ++opset) {
      const std::string label = fmt::format("{}, {}, opset {}", name, name_of(format), opset);
      const auto file = folder / fmt::format("{}.onnx", product.labels.size());
      onnx_io::write_onnx_file(file, export_file(network, {.format = format, .opset = opset}));
      product.labels.push_back(label);
      product.jobs.push_back({file, inputs, "disabled"});
      product.jobs.push_back({file, inputs, "all"});
    }
  }
}

double greatest(const Tensor& tensor) {
  double max = 0;
  for (const float value : tensor.data<float>()) {
    max = std::max(max, std::abs(static_cast<double>(value)));
  }
  return max;
}

/// Kernels are float on both sides: sums in another order, of numbers up to `greatest`.
void expect_same(const JudgeAnswer& plain, const JudgeAnswer& optimized, const std::string& label) {
  ASSERT_EQ(plain.refusal, "") << label << ", without optimizations";
  ASSERT_EQ(optimized.refusal, "") << label << ", with optimizations";
  ASSERT_EQ(plain.outputs.size(), optimized.outputs.size()) << label;
  for (std::size_t o = 0; o < plain.outputs.size(); ++o) {
    const auto x = plain.outputs[o].data<float>();
    const auto y = optimized.outputs[o].data<float>();
    ASSERT_EQ(x.size(), y.size()) << label;
    const double bound = 1e-5 * std::max(1.0, greatest(plain.outputs[o]));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(x[i], y[i], bound) << label << ", output " << o << ", element " << i;
    }
  }
}

class WrittenFiles : public ::testing::TestWithParam<Judge> {};

TEST_P(WrittenFiles, RunInEveryFormAtEveryOpsetWithOptimizationsAndWithout) {
  OMPQ_JUDGE_OR_SKIP(GetParam());
  const testing::TemporaryDirectory folder;
  Product product;
  for (const WrittenNetwork& row : written_networks()) {
    const Model model = loaded(row.make(), folder / "float.onnx");
    Samples samples = samples_for(model);
    const data::Batch batch = samples.dataset->load(samples.indices);
    add_forms(row.name, quantized(model), {{"x", batch.inputs.front()}}, folder, product);
  }
  const std::vector<JudgeAnswer> answers = run_jobs(GetParam(), product.jobs);
  for (std::size_t i = 0; i < product.labels.size(); ++i) {
    expect_same(answers[2 * i], answers[2 * i + 1], product.labels[i]);
  }
  RecordProperty("files", static_cast<int>(product.labels.size()));
}

INSTANTIATE_TEST_SUITE_P(Judges,
                         WrittenFiles,
                         ::testing::Values(Judge::Node, Judge::Python),
                         [](const auto& tested) {
                           return tested.param == Judge::Node ? "Node" : "Python";
                         });

// --- size ---------------------------------------------------------------------------------------

TEST(WrittenFile, IsNoLargerThanTheFloatFileWhereItsWeightsCount) {
  const testing::TemporaryDirectory folder;
  constexpr std::uintmax_t kCounts = 16384;
  constexpr std::uintmax_t kMore = 2048;
  for (const WrittenNetwork& row : written_networks()) {
    const Model model = loaded(row.make(), folder / "float.onnx");
    std::int64_t weight_bytes = 0;
    for (const graph::Layer& layer : model.discovery.layers) weight_bytes += 4 * layer.weight_count;
    const auto float_bytes = std::filesystem::file_size(folder / "float.onnx");
    const QuantizedNetwork network = quantized(model);
    EXPECT_LE(export_file(network, {.format = WeightFormat::Float}).size(), float_bytes + kMore)
        << row.name;
    if (weight_bytes <= static_cast<std::int64_t>(kCounts)) continue;
    for (const WeightFormat format : {WeightFormat::Packed, WeightFormat::Qdq}) {
      EXPECT_LE(export_file(network, {.format = format}).size(), float_bytes)
          << row.name << ", " << name_of(format);
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
