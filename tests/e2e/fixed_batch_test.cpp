#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/ompq.h"
#include "ompq/core/random.h"
#include "ompq/data/npz.h"
#include "ompq/onnx_io/exporter.h"
#include "support/graph_builder.h"

// Networks that take a fixed number of samples in a pass, with several inputs and integers among
// them, through every command and method of the program. 20 samples fill no whole number of passes.

namespace ompq::testing {
namespace {

using graph::Dim;
using graph::ValueId;
using ::testing::HasSubstr;

constexpr std::int64_t kTokens = 6;
constexpr std::int64_t kWords = 30;
constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kSamples = 20;

Tensor ids_below(std::int64_t words) {
  Tensor ids(DataType::Int64, {kSamples, kTokens});
  Random random(7);
  for (std::int64_t& id : ids.mutable_data<std::int64_t>()) {
    id = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(words)));
  }
  return ids;
}

Tensor images() {
  Tensor x(DataType::Float32, {kSamples, 3, 4, 4});
  Random random(8);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

/// Samples of a pass.
class FixedBatch : public ::testing::TestWithParam<std::int64_t> {
 protected:
  [[nodiscard]] Dim samples() const { return Dim::fixed(GetParam()); }
  [[nodiscard]] std::string path(const std::string& name) { return (folder_ / name).string(); }

  /// Two convolutions, a Reshape that repeats the batch, fully connected layers: 5 classes.
  ValueId image_branch(GraphBuilder& builder) {
    auto x = builder.input("x", {samples(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)});
    x = builder.relu("relu1", builder.conv("conv1", x, {.out = 6, .kernel = 3, .bias = true}));
    x = builder.relu("relu2", builder.conv("conv2", x, {.out = 6, .kernel = 3, .bias = true}));
    x = builder.reshape("rows", x, {GetParam(), 96}, {samples(), Dim::fixed(96)});
    return builder.relu("relu3", builder.gemm("fc", x, 12));
  }
  /// Embeddings of token ids, and two products.
  ValueId token_branch(GraphBuilder& builder) {
    const ValueId ids =
        builder.graph().add_input("ids", DataType::Int64, {samples(), Dim::fixed(kTokens)});
    auto x = builder.op(
        {"embed", "Gather", "", {builder.normal_constant("table", {kWords, kWidth}, 1.0), ids}},
        {samples(), Dim::fixed(kTokens), Dim::fixed(kWidth)});
    x = builder.relu("relu4", builder.linear("query", x, kWidth));
    x = builder.reshape(
        "row", x, {GetParam(), kTokens * kWidth}, {samples(), Dim::fixed(kTokens * kWidth)});
    return builder.gemm("words", x, 12);
  }
  std::string write(GraphBuilder& builder, ValueId output, const std::string& name) {
    onnx_io::export_onnx(
        builder.finish({output}), path(name), {.format = onnx_io::WeightFormat::Float});
    return path(name);
  }
  /// Exit status 0, and the last lines otherwise.
  void expect_done(const std::vector<std::string>& arguments) {
    const ProgramResult result = ompq(arguments);
    EXPECT_EQ(result.status, 0) << ::testing::PrintToString(arguments) << "\n" << result.error;
  }
  void walk(const std::string& model, const std::string& data) {
    const std::vector<std::string> shared{"--data", data, "--quiet"};
    const auto run = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.end(), shared.begin(), shared.end());
      expect_done(arguments);
    };
    const std::string small = path("small.onnx");
    for (const std::vector<std::string>& method : std::vector<std::vector<std::string>>{
             {"gptq"},
             {"brecq", "--iterations", "3"},
             {"distill", "--epochs", "1"},
             {"nearest", "--prepare", "equalize,bias-correction,norm-reestimation"}}) {
      std::vector<std::string> arguments{"quantize",
                                         model,
                                         "--avg-bits",
                                         "4",
                                         "--allocator",
                                         "output-mse",
                                         "--beside",
                                         "none",
                                         "-o",
                                         small,
                                         "--method"};
      arguments.insert(arguments.end(), method.begin(), method.end());
      run(arguments);
    }
    run({"diff", model, small});
    run({"eval", small, "--reference", model});
    run({"compare",
         model,
         "--avg-bits",
         "4",
         "--random",
         "0",
         "--allocators",
         "output-kl,fisher,orm",
         "--journal",
         path("journal")});
    run({"sweep", model, "--points", "3"});
  }

  TemporaryDirectory folder_;
};

INSTANTIATE_TEST_SUITE_P(Batches, FixedBatch, ::testing::Values(1, 3, 8));

TEST_P(FixedBatch, GoesThroughEveryCommandAndMethod) {
  GraphBuilder builder("images");
  const std::string model =
      write(builder, builder.gemm("head", image_branch(builder), 5), "net.onnx");
  data::write_npz(path("samples.npz"), {{"x", images()}});
  walk(model, path("samples.npz"));
  expect_done({"finetune",
               model,
               "--data",
               path("samples.npz"),
               "--quiet",
               "--avg-bits",
               "4",
               "--allocator",
               "weight-mse",
               "--epochs",
               "1",
               "-o",
               path("trained.onnx")});
}

TEST_P(FixedBatch, OfSeveralInputsAndIntegersGoesThroughEveryCommandAndMethod) {
  GraphBuilder builder("both");
  const ValueId both =
      builder.relu("relu5", builder.add("sum", image_branch(builder), token_branch(builder)));
  const std::string model = write(builder, builder.gemm("head", both, 5), "net.onnx");
  data::write_npz(path("samples.npz"), {{"x", images()}, {"ids", ids_below(kWords)}});
  walk(model, path("samples.npz"));
  const auto tuned = ompq({"quantize",
                           model,
                           "--data",
                           path("samples.npz"),
                           "--avg-bits",
                           "4",
                           "--allocator",
                           "uniform",
                           "--beside",
                           "none",
                           "--method",
                           "distill",
                           "-o",
                           path("small.onnx")});
  EXPECT_THAT(tuned.error, HasSubstr("only rounded by gptq: the network has 2 inputs"));
  expect_done({"finetune",
               model,
               "--data",
               path("samples.npz"),
               "--quiet",
               "--avg-bits",
               "4",
               "--allocator",
               "weight-mse",
               "--epochs",
               "1",
               "-o",
               path("trained.onnx")});
}

}  // namespace
}  // namespace ompq::testing
