#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "onnx_io/small_network.h"
#include "support/judge.h"
#include "support/paths.h"

// What programs around a network see of it: inputs and outputs, and what the file says of itself.

namespace ompq::onnx_io {
namespace {

using graph::Graph;

constexpr int kFloat16 = 10;

std::string floats(const std::string& field, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += " " + field + ": " + std::to_string(0x2C00 + 37 * i);
  return text;
}

/// x [batch, 8] -> Gemm -> Relu -> y, and an integer input that goes through a Gather; all that is
/// float is float16. The weight has 64 elements.
onnx::ModelProto half_model() {
  const std::string rows = R"(dim { dim_param: "batch" } dim { dim_value: 8 })";
  return testing::model_from_text(
      R"(ir_version: 8 domain: "org.example" doc_string: "what it does" model_version: 7
         opset_import { version: 13 }
         metadata_props { key: "classes" value: "a,b" }
         graph { name: "net" doc_string: "its graph"
         input { name: "x" )" +
      testing::tensor_type(rows, kFloat16) + R"( }
         input { name: "which" )" +
      testing::tensor_type(R"(dim { dim_param: "count" })", 7) + R"( }
         output { name: "y" )" +
      testing::tensor_type(rows, kFloat16) + R"( }
         output { name: "picked" )" +
      testing::tensor_type(R"(dim { dim_param: "count" } dim { dim_value: 8 })", kFloat16) + R"( }
         initializer { name: "w" data_type: 10 dims: 8 dims: 8 )" +
      floats("int32_data", 64) + R"( }
         node { name: "fc" op_type: "Gemm" input: "x" input: "w" output: "z" }
         node { name: "relu" op_type: "Relu" input: "z" output: "y" }
         node { name: "gather" op_type: "Gather" input: "w" input: "which" output: "picked" } })");
}

onnx::ModelProto written(const onnx::ModelProto& model, const ExportOptions& options) {
  const Graph graph = import_onnx_bytes(model.SerializeAsString());
  onnx::ModelProto again;
  EXPECT_TRUE(again.ParseFromString(export_onnx_bytes(graph, options)));
  return again;
}

std::string text_of(const onnx::ValueInfoProto& info) { return info.ShortDebugString(); }

ExportOptions every_format(WeightFormat format) {
  const Graph graph = import_onnx_bytes(half_model().SerializeAsString());
  ExportOptions options{.format = format, .short_names = true};
  options.quantized["w"] = testing::quantized(
      graph, "w", BitWidth(6), quant::Symmetry::Symmetric, quant::Granularity::along(1));
  return options;
}

class WrittenInterface : public ::testing::TestWithParam<WeightFormat> {};

TEST_P(WrittenInterface, IsThatOfTheFileThatWasRead) {
  const onnx::ModelProto before = half_model();
  const onnx::ModelProto after = written(before, every_format(GetParam()));
  ASSERT_EQ(after.graph().input_size(), 2);
  ASSERT_EQ(after.graph().output_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(text_of(after.graph().input(i)), text_of(before.graph().input(i)));
    EXPECT_EQ(text_of(after.graph().output(i)), text_of(before.graph().output(i)));
  }
  EXPECT_EQ(after.domain(), "org.example");
  EXPECT_EQ(after.doc_string(), "what it does");
  EXPECT_EQ(after.graph().doc_string(), "its graph");
  EXPECT_EQ(after.model_version(), 7);
  ASSERT_GE(after.metadata_props_size(), 1);
  EXPECT_EQ(after.metadata_props(0).key(), "classes");
  EXPECT_EQ(after.metadata_props(0).value(), "a,b");
}

TEST_P(WrittenInterface, RunsInHalfFloats) {
  OMPQ_JUDGE_OR_SKIP();
  const std::map<std::string, Tensor> inputs{
      {"x", testing::normal_tensor({3, 8}, 1).converted_to(DataType::Float16)},
      {"which", Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{1, 6})}};
  const auto real = testing::run_bytes_in_onnxruntime(half_model().SerializeAsString(), inputs);
  const auto made = testing::run_bytes_in_onnxruntime(
      written(half_model(), every_format(GetParam())).SerializeAsString(), inputs);
  ASSERT_EQ(made.size(), real.size());
  for (std::size_t o = 0; o < made.size(); ++o) {
    EXPECT_EQ(made[o].type(), DataType::Float16);
    EXPECT_EQ(made[o].shape(), real[o].shape());
  }
}

TEST_P(WrittenInterface, IsReadAgainAsTheSameNetwork) {
  const std::string bytes = written(half_model(), every_format(GetParam())).SerializeAsString();
  const Graph again = import_onnx_bytes(bytes);
  EXPECT_EQ(again.interface.inputs.front().type, DataType::Float16);
  EXPECT_EQ(again.value(again.inputs().front()).type, DataType::Float32);
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         WrittenInterface,
                         ::testing::Values(WeightFormat::Packed,
                                           WeightFormat::Qdq,
                                           WeightFormat::Float));

TEST(ExportFloat, StoresHalfFloatsWhereTheFileThatWasReadDid) {
  const onnx::ModelProto after = written(half_model(), every_format(WeightFormat::Float));
  bool found = false;
  for (const auto& tensor : after.graph().initializer()) {
    if (tensor.dims_size() != 2) continue;
    EXPECT_EQ(tensor.data_type(), kFloat16);
    found = true;
  }
  EXPECT_TRUE(found);
}

constexpr int kFloat64 = 11;

/// x [batch, 8] -> Gemm -> Relu -> Pow -> MatMul -> y, in float64 throughout.
onnx::ModelProto double_model() {
  const auto numbers = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += " double_data: " + std::to_string(std::sin(1.7 * i) / 2);
    }
    return text;
  };
  const std::string rows = R"(dim { dim_param: "batch" } dim { dim_value: 8 })";
  return testing::model_with_graph(R"(input { name: "x" )" + testing::tensor_type(rows, kFloat64) +
                                   R"( }
         output { name: "y" )" + testing::tensor_type(rows, kFloat64) +
                                   R"( }
         initializer { name: "w" data_type: 11 dims: 8 dims: 8 )" +
                                   numbers(64) + R"( }
         initializer { name: "b" data_type: 11 dims: 8 )" +
                                   numbers(8) + R"( }
         initializer { name: "two" data_type: 11 double_data: 2 }
         initializer { name: "v" data_type: 11 dims: 8 dims: 8 )" +
                                   numbers(64) + R"( }
         node { name: "fc" op_type: "Gemm" input: "x" input: "w" input: "b" output: "z" }
         node { name: "relu" op_type: "Relu" input: "z" output: "r" }
         node { name: "square" op_type: "Pow" input: "r" input: "two" output: "s" }
         node { name: "product" op_type: "MatMul" input: "s" input: "v" output: "y" })");
}

TEST(ExportDoubles, KeepTheirInterfaceAndAgreeWithTheirFile) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const testing::TemporaryDirectory folder;
  const onnx::ModelProto after = written(double_model(), {});
  EXPECT_EQ(text_of(after.graph().input(0)), text_of(double_model().graph().input(0)));
  EXPECT_EQ(text_of(after.graph().output(0)), text_of(double_model().graph().output(0)));
  write_file_atomically(folder / "before.onnx", double_model().SerializeAsString());
  write_file_atomically(folder / "after.onnx", after.SerializeAsString());
  const std::map<std::string, Tensor> inputs{
      {"x", testing::normal_tensor({5, 8}, 1).converted_to(DataType::Float64)}};
  const auto answers = run_jobs(
      testing::Judge::Python, {{folder / "before.onnx", inputs}, {folder / "after.onnx", inputs}});
  for (const auto& answer : answers) {
    ASSERT_EQ(answer.refusal, "");
    ASSERT_EQ(answer.outputs.front().type(), DataType::Float64);
  }
  const auto before = answers[0].outputs.front().data<double>();
  const auto made = answers[1].outputs.front().data<double>();
  ASSERT_EQ(made.size(), before.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_NEAR(made[i], before[i], 1e-5 * std::max(1.0, std::abs(before[i]))) << i;
  }
}

/// ONNX Runtime 1.30 and 1.32 have no convolution of float64: the written file runs where the file
/// that was read does not.
TEST(ExportDoubles, RunTheirConvolutions) {
  OMPQ_JUDGE_OR_SKIP(testing::Judge::Python);
  const testing::TemporaryDirectory folder;
  const auto images = [](int channels) {
    return testing::tensor_type(R"(dim { dim_param: "N" } dim { dim_value: )" +
                                    std::to_string(channels) +
                                    R"( } dim { dim_value: 3 } dim { dim_value: 3 })",
                                kFloat64);
  };
  const onnx::ModelProto model = testing::model_with_graph(
      R"(input { name: "x" )" + images(2) + R"( } output { name: "y" )" + images(1) + R"( }
         initializer { name: "w" data_type: 11 dims: 1 dims: 2 dims: 1 dims: 1
                       double_data: [0.3, -0.7] }
         node { name: "conv" op_type: "Conv" input: "x" input: "w" output: "y" })");
  write_file_atomically(folder / "after.onnx", written(model, {}).SerializeAsString());
  const Tensor x = testing::normal_tensor({4, 2, 3, 3}, 1).converted_to(DataType::Float64);
  const auto answers = run_jobs(testing::Judge::Python, {{folder / "after.onnx", {{"x", x}}}});
  ASSERT_EQ(answers.front().refusal, "");
  const Tensor& made = answers.front().outputs.front();
  ASSERT_EQ(made.type(), DataType::Float64);
  for (std::size_t i = 0; i < made.data<double>().size(); ++i) {
    const std::size_t first = i / 9 * 18 + i % 9;
    const double wanted = 0.3 * x.data<double>()[first] - 0.7 * x.data<double>()[first + 9];
    EXPECT_NEAR(made.data<double>()[i], wanted, 1e-5) << i;
  }
}

TEST(ExportOnnx, LeavesAnExtentOpenThatHasNoName) {
  onnx::ModelProto model = testing::sound_model();
  for (auto* info :
       {model.mutable_graph()->mutable_input(0), model.mutable_graph()->mutable_output(0)}) {
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->clear_value();
  }
  const onnx::ModelProto after = written(model, {});
  const auto& dim = after.graph().input(0).type().tensor_type().shape().dim(0);
  EXPECT_FALSE(dim.has_dim_value() || dim.has_dim_param());
}

}  // namespace
}  // namespace ompq::onnx_io
