#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/random.h"
#include "ompq/graph/layers.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/runtime/executor.h"
#include "pipeline/integer_networks.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/judged_graphs.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

/// qdq files with weights in ONNX's types of 4 and 2 bits, in ONNX Runtime at every optimization
/// level.
namespace ompq::pipeline {
namespace {

using quant::Symmetry;

constexpr std::int64_t kNativeSamples = 8;

/// Every kind of layer: Conv, depthwise Conv, ConvTranspose, Gemm and MatMul.
Model layers_of_every_kind() {
  using graph::Dim;
  testing::GraphBuilder builder("kinds");
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  x = builder.relu("relu1", builder.conv("conv", x, {.out = 9, .kernel = 3, .bias = true}));
  x = builder.relu(
      "relu2", builder.conv("depthwise", x, {.out = 9, .kernel = 3, .groups = 9, .bias = true}));
  x = builder.conv_transpose("up", x, {.out = 6, .kernel = 2, .stride = 2, .bias = true});
  x = builder.flatten("flatten", builder.global_average_pool("pool", x));
  x = builder.relu("relu3", builder.gemm("hidden", x, 10));
  Model model;
  model.file = "kinds.onnx";
  model.sha256 = "0";
  model.graph = builder.finish({builder.linear("head", x, 7, false)});
  model.discovery = graph::discover(model.graph);
  return model;
}

Tensor native_images() {
  Tensor x(DataType::Float32, {kNativeSamples, 3, 8, 8});
  Random random(11);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

Samples native_samples() {
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(native_images());
  for (std::int64_t i = 0; i < kNativeSamples; ++i) samples.indices.push_back(i);
  return samples;
}

/// What the layers read and where they run.
struct Setting {
  std::string target;
  bool activations = true;  ///< quantized to 8 bits
};

const std::vector<Setting> kSettings{{"exact", false}, {"exact"}, {"onnxruntime"}};

QuantizedNetwork native_network(const Model& model,
                                const Setting& setting,
                                const std::vector<int>& weight_bits,
                                Symmetry symmetry) {
  const std::optional<int> width = setting.activations ? std::optional(8) : std::nullopt;
  Samples samples = native_samples();
  rounding::CalibrationOptions options;
  options.target = setting.target;
  const std::vector<std::optional<int>> widths(weight_bits.size(), width);
  const auto activations = calibrate(model, widths, samples, options, {});
  return quantize_network(
      model, weight_bits, activations, {.symmetry = symmetry, .target = setting.target});
}

FileForm native_form(int opset) { return {.format = onnx_io::WeightFormat::Qdq, .opset = opset}; }

Tensor run_natively(const graph::Graph& graph, bool integer_kernels) {
  runtime::ExecutorOptions options;
  options.integer_kernels = integer_kernels;
  runtime::Executor executor(graph, options);
  const std::vector<Tensor> inputs{native_images()};
  return executor.run(inputs).front();
}

/// The judge's answers for one network and optimization level, by opset.
struct NativeCase {
  std::string label;
  bool integer = false;     ///< integer kernels compute what the executor computes
  std::size_t network = 0;  ///< index of the executor's result
  std::vector<std::size_t> jobs;
};

/// Opset 13 has no native types: the same levels as int8.
const std::vector<int> kNativeOpsets{13, onnx_io::kFourBitOpset, onnx_io::kTwoBitOpset};

class NativeTypes : public ::testing::TestWithParam<int> {
 protected:
  void add(const Model& model, const Setting& setting, Symmetry symmetry) {
    const std::vector<int> widths(model.discovery.layers.size(), GetParam());
    const QuantizedNetwork network = native_network(model, setting, widths, symmetry);
    const bool integer = setting.target != "exact";
    expected_.push_back(run_natively(network.graph, integer));
    std::vector<std::filesystem::path> files;
    for (const int opset : kNativeOpsets) {
      files.push_back(folder_ / fmt::format("{}_{}.onnx", expected_.size(), opset));
      onnx_io::write_onnx_file(files.back(), export_file(network, native_form(opset)));
    }
    for (const std::string level : {"disabled", "basic", "extended", "layout", "all"}) {
      NativeCase one{
          .label = fmt::format("{}, {} activations, {}, {}",
                               setting.target,
                               setting.activations ? "8-bit" : "float",
                               symmetry == Symmetry::Symmetric ? "symmetric" : "asymmetric",
                               level),
          .integer = integer && level != "disabled" && level != "basic",
          .network = expected_.size() - 1,
          .jobs = {}};
      for (const auto& file : files) {
        one.jobs.push_back(jobs_.size());
        jobs_.push_back({.model = file, .inputs = {{"x", native_images()}}, .optimization = level});
      }
      cases_.push_back(std::move(one));
    }
  }

  testing::TemporaryDirectory folder_;
  std::vector<Tensor> expected_;
  std::vector<testing::JudgeJob> jobs_;
  std::vector<NativeCase> cases_;
};

TEST_P(NativeTypes, GiveTheNumbersOfInt8AtEveryOptimizationLevel) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const Model model = layers_of_every_kind();
  for (const Setting& setting : kSettings) {
    for (const auto symmetry : {Symmetry::Asymmetric, Symmetry::Symmetric}) {
      add(model, setting, symmetry);
    }
  }
  const auto answers = testing::run_jobs(testing::Judge::Python, jobs_);
  ASSERT_EQ(answers.size(), jobs_.size());
  for (const NativeCase& one : cases_) {
    for (std::size_t o = 0; o < one.jobs.size(); ++o) {
      const testing::JudgeAnswer& answer = answers[one.jobs[o]];
      ASSERT_EQ(answer.refusal, "") << one.label << ", opset " << kNativeOpsets[o];
      EXPECT_EQ(different_elements(answers[one.jobs[0]].outputs.front(), answer.outputs.front()), 0)
          << one.label << ", opset " << kNativeOpsets[o];
    }
    const std::vector<Tensor>& first = answers[one.jobs[0]].outputs;
    if (one.integer) {
      EXPECT_EQ(different_elements(expected_[one.network], first.front()), 0) << one.label;
    } else if (one.label.starts_with("exact")) {
      testing::expect_same_outputs(first, {expected_[one.network]}, one.label);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, NativeTypes, ::testing::Range(1, 9), [](const auto& row) {
  return std::to_string(row.param) + "Bits";
});

const std::vector<int> kMixed{2, 4, 3, 1, 6};

TEST(NativeFile, HasThePredictedSize) {
  const Model model = layers_of_every_kind();
  for (const Setting& setting : kSettings) {
    const rounding::WeightOptions options{.symmetry = Symmetry::Asymmetric,
                                          .target = setting.target};
    const std::vector<int> activations(kMixed.size(),
                                       setting.activations ? 8 : allocation::kFloatBits);
    for (const int opset : kNativeOpsets) {
      const auto network = native_network(model, setting, kMixed, Symmetry::Asymmetric);
      const auto size = static_cast<std::int64_t>(export_file(network, native_form(opset)).size());
      EXPECT_EQ(FileSize(model, options, native_form(opset)).bytes(kMixed, activations), size)
          << setting.target << ", opset " << opset;
    }
  }
}

TEST(NativeFile, IsReadBackWithEqualNumbers) {
  const Model model = layers_of_every_kind();
  const testing::TemporaryDirectory folder;
  for (const Setting& setting : kSettings) {
    const auto network = native_network(model, setting, kMixed, Symmetry::Asymmetric);
    const bool integer = setting.target != "exact";
    for (const int opset : kNativeOpsets) {
      const auto file = folder / "native.onnx";
      onnx_io::write_onnx_file(file, export_file(network, native_form(opset)));
      EXPECT_EQ(read_quantized_file(model, file).weight_bits, kMixed);
      const graph::Graph read = load_graph(file);
      EXPECT_EQ(read.opset, opset);
      EXPECT_EQ(
          different_elements(run_natively(network.graph, integer), run_natively(read, integer)), 0)
          << setting.target << ", opset " << opset;
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
