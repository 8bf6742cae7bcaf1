#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/quantized_file.h"
#include "pipeline/integer_networks.h"
#include "pipeline/small_model.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

/// Files for integer kernels, in ONNX Runtime.
namespace ompq::pipeline {
namespace {

QuantizedNetwork for_integers(const Model& model,
                              const std::vector<int>& weight_bits,
                              const std::vector<int>& activation_bits,
                              quant::Symmetry symmetry = quant::Symmetry::Asymmetric) {
  return integer_network(model, small_samples(64), weight_bits, activation_bits, symmetry);
}

Tensor normal_images(std::int64_t count) {
  Tensor x(DataType::Float32, {count, 3, 8, 8});
  Random random(11);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

const std::vector<FileForm> kForms{{.format = onnx_io::WeightFormat::Packed},
                                   {.format = onnx_io::WeightFormat::Qdq}};

TEST(IntegerTarget, RunsEveryLayerAndWhatIsBetweenThemOnIntegers) {
  OMPQ_JUDGE_OR_SKIP();
  const Model model = small_model();
  const QuantizedNetwork network = for_integers(model, {4, 3, 5, 4, 4}, {8, 8, 8, 8, 8});
  for (const FileForm& form : kForms) {
    auto operators = rewritten_operators(network, form, normal_images(2));
    EXPECT_EQ(operators["QLinearConv"], 4);
    EXPECT_EQ(operators["QGemm"], 1);
    EXPECT_EQ(operators["QLinearAdd"], 1);
    EXPECT_EQ(operators["QLinearGlobalAveragePool"], 1);
    EXPECT_EQ(operators["QuantizeLinear"], 1) << "more than that of the input";
    for (const char* floating : {"Conv", "Gemm", "Relu", "Add", "GlobalAveragePool"}) {
      EXPECT_EQ(operators.count(floating), 0U) << floating << " stayed float";
    }
  }
}

TEST(IntegerTarget, ComputesWhatTheIntegerKernelsCompute) {
  OMPQ_JUDGE_OR_SKIP();
  const testing::TemporaryDirectory folder;
  const Model model = small_model(16);
  const Tensor images = normal_images(200);
  std::vector<testing::JudgeJob> jobs;
  std::vector<Tensor> expected;
  for (int bits = 1; bits <= widest_levels(); ++bits) {
    for (const auto symmetry :
         {quant::Symmetry::Asymmetric, quant::Symmetry::Symmetric, quant::Symmetry::Normal}) {
      const QuantizedNetwork network = for_integers(
          model, std::vector<int>(5, bits), std::vector<int>(5, std::max(bits, 2)), symmetry);
      for (const FileForm& form : kForms) {
        const auto file = folder / (std::to_string(jobs.size()) + ".onnx");
        onnx_io::write_onnx_file(file, export_file(network, form));
        jobs.push_back({.model = file, .inputs = {{"x", images}}});
        expected.push_back(run_here(network, images));
      }
    }
  }
  const auto answers = testing::run_jobs(testing::Judge::Node, jobs);
  ASSERT_EQ(answers.size(), jobs.size());
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    ASSERT_EQ(answers[j].refusal, "") << jobs[j].model;
    EXPECT_EQ(different_elements(expected[j], answers[j].outputs.front()), 0)
        << 1 + j / 4 << " bits, file " << j % 4;
  }
}

TEST(IntegerTarget, FileSizesArePredictedToTheByte) {
  const Model model = small_model();
  for (const auto symmetry :
       {quant::Symmetry::Asymmetric, quant::Symmetry::Symmetric, quant::Symmetry::Normal}) {
    const rounding::WeightOptions options{.symmetry = symmetry, .target = kTarget};
    for (const FileForm& form : kForms) {
      const FileSize promised(model, options, form);
      for (const std::vector<int>& weights :
           {std::vector<int>{3, 4, 1, 8, 2},
            std::vector<int>{5, allocation::kFloatBits, 6, 7, 8}}) {
        for (const std::vector<int>& activations :
             {std::vector<int>(5, 8), std::vector<int>{8, 4, 6, 8, 5}}) {
          const QuantizedNetwork network = for_integers(model, weights, activations, symmetry);
          EXPECT_EQ(promised.bytes(weights, activations),
                    static_cast<std::int64_t>(export_file(network, form).size()));
        }
      }
    }
  }
}

/// Sums past 2^24, which float32 does not hold, are computed in parts.
TEST(IntegerTarget, IsExactWhereSumsDoNotFitFloat32) {
  OMPQ_JUDGE_OR_SKIP();
  constexpr std::int64_t kInputs = 4096;
  testing::GraphBuilder builder("wide");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(kInputs)});
  Model model;
  model.graph = builder.finish({builder.gemm("fc", builder.gemm("first", x, kInputs), 8)});
  for (const char* name : {"first.weight", "fc.weight"}) {
    auto& weight = *model.graph.mutable_value(model.graph.find_value(name)).constant;
    const auto values = weight.mutable_data<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float size = 1.0F + 0.001F * static_cast<float>(i % 97);
      values[i] = i % 5 == 0 ? -size : size;
    }
  }
  model.discovery = graph::discover(model.graph);
  Tensor rows(DataType::Float32, {16, kInputs});
  Random random(3);
  for (float& value : rows.mutable_data<float>()) value = static_cast<float>(random.uniform());
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(rows);
  for (std::int64_t i = 0; i < 16; ++i) samples.indices.push_back(i);
  const QuantizedNetwork network = integer_network(
      model, std::move(samples), {7, 7}, {8, 8}, quant::Symmetry::Asymmetric, "onnxruntime-avx2");
  const Tensor expected = run_here(network, rows);
  const Tensor got =
      testing::run_bytes_in_onnxruntime(export_file(network, {}).model, {{"x", rows}}).front();
  EXPECT_EQ(different_elements(expected, got), 0);
}

TEST(IntegerTarget, IsReadBackFromTheFileWithItsIntegers) {
  Model model = small_model();
  const std::vector<int> weights{4, 3, 5, 8, 2};
  const std::vector<int> activations{8, 4, 6, 8, 5};
  const QuantizedNetwork network = for_integers(model, weights, activations);
  const testing::TemporaryDirectory folder;
  for (const FileForm& form : kForms) {
    const auto file = folder / "small.onnx";
    onnx_io::write_onnx_file(file, export_file(network, form));
    const QuantizedFile read = read_quantized_file(model, file);
    EXPECT_EQ(read.weight_bits, weights);
    EXPECT_EQ(read.activation_bits,
              std::vector<std::optional<int>>(activations.begin(), activations.end()));
    const QuantizedNetwork there{.graph = load_graph(file), .weights = {}};
    const Tensor images = normal_images(50);
    EXPECT_EQ(different_elements(run_here(network, images), run_here(there, images)), 0);
  }
}

}  // namespace
}  // namespace ompq::pipeline
