#include <algorithm>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/small_network.h"
#include "support/graph_builder.h"
#include "support/graph_difference.h"
#include "support/judge.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

namespace fs = std::filesystem;
using graph::Graph;
using ::testing::HasSubstr;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSmallLimit = 8000;

/// Two weights of more than a page, the second one's size no multiple of it, and small ones.
Graph wide_network() {
  testing::GraphBuilder builder("wide");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(50)});
  const auto y = builder.relu("relu", builder.gemm("first", x, 70));
  return builder.finish({builder.gemm("last", builder.gemm("second", y, 33), 4)});
}

ExportOptions options_for(const Graph& graph, WeightFormat format) {
  ExportOptions options{.format = format, .max_model_bytes = kSmallLimit};
  if (format == WeightFormat::Float) return options;
  for (const char* name : {"first.weight", "second.weight", "last.weight"}) {
    options.quantized[name] = testing::quantized(
        graph, name, BitWidth(8), quant::Symmetry::Asymmetric, quant::Granularity::along(0));
  }
  options.max_model_bytes = 5000;  // codes are a quarter of the float weights
  return options;
}

onnx::ModelProto parsed(const std::string& bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::runtime_error("the model does not parse");
  return model;
}

class ModelPastTheLimit : public ::testing::TestWithParam<WeightFormat> {
 protected:
  Graph graph_ = wide_network();
  testing::TemporaryDirectory folder_;
  fs::path file_ = folder_ / "net.onnx";
};

TEST_P(ModelPastTheLimit, KeepsItsBigTensorsInAFileBesideIt) {
  export_onnx(graph_, file_, options_for(graph_, GetParam()));
  ASSERT_TRUE(fs::exists(folder_ / "net.onnx.data"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2);
  const onnx::ModelProto model = parsed(read_file(file_));
  int outside = 0;
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) {
      EXPECT_LT(tensor.raw_data().size(), kPage) << tensor.name();
      continue;
    }
    ++outside;
    std::map<std::string, std::string> entries;
    for (const auto& entry : tensor.external_data()) entries[entry.key()] = entry.value();
    EXPECT_EQ(entries.at("location"), "net.onnx.data");
    EXPECT_EQ(std::stoull(entries.at("offset")) % kPage, 0U);
    EXPECT_GE(std::stoull(entries.at("length")), kPage);
    EXPECT_FALSE(tensor.has_raw_data());
  }
  EXPECT_GE(outside, 1);
}

TEST_P(ModelPastTheLimit, ReadsBackAsTheOneThatFits) {
  ExportOptions options = options_for(graph_, GetParam());
  export_onnx(graph_, file_, options);
  std::set<fs::path> data_files;
  const Graph read = import_onnx(file_, {}, &data_files);
  options.max_model_bytes = ExportOptions{}.max_model_bytes;
  const Graph whole = import_onnx_bytes(export_onnx_bytes(graph_, options));
  EXPECT_EQ(testing::difference(read, whole), "");
  EXPECT_EQ(data_files, std::set<fs::path>{fs::canonical(folder_ / "net.onnx.data")});
}

TEST_P(ModelPastTheLimit, SaysInOnnxRuntimeWhatTheOneThatFitsSays) {
  OMPQ_JUDGE_OR_SKIP();
  ExportOptions options = options_for(graph_, GetParam());
  export_onnx(graph_, file_, options);
  const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({3, 50}, 7)}};
  const auto got = testing::run_in_onnxruntime(file_, inputs).at(0);
  options.max_model_bytes = ExportOptions{}.max_model_bytes;
  const auto expected =
      testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph_, options), inputs).at(0);
  EXPECT_TRUE(got.equals(expected));
}

TEST_P(ModelPastTheLimit, CountsBothFiles) {
  const ExportOptions options = options_for(graph_, GetParam());
  const OnnxFile content = export_onnx_file(graph_, options);
  write_onnx_file(file_, content);
  EXPECT_LE(content.model.size(), options.max_model_bytes);
  EXPECT_EQ(content.size(), fs::file_size(file_) + fs::file_size(folder_ / "net.onnx.data"));
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         ModelPastTheLimit,
                         ::testing::Values(WeightFormat::Packed, WeightFormat::Float),
                         [](const auto& row) {
                           return row.param == WeightFormat::Float ? "Float" : "Packed";
                         });

TEST(Model, ThatFitsIsOneFile) {
  const OnnxFile content = export_onnx_file(wide_network());
  EXPECT_EQ(content.data, "");
  const testing::TemporaryDirectory folder;
  write_onnx_file(folder / "net.onnx", content);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Model, PastTheLimitIsNoStringOfBytes) {
  const Graph graph = wide_network();
  try {
    (void)export_onnx_bytes(graph, options_for(graph, WeightFormat::Float));
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("more than one protobuf file can hold (8000)"));
  }
}

TEST(Model, WithTooManySmallConstantsIsRefused) {
  ExportOptions options{.max_model_bytes = 100};
  try {
    (void)export_onnx_file(wide_network(), options);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("and a protobuf file holds at most 100"));
  }
}

}  // namespace
}  // namespace ompq::onnx_io
