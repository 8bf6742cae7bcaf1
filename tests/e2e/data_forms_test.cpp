#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "ompq/core/random.h"
#include "ompq/data/npy.h"
#include "ompq/data/npz.h"
#include "ompq/data/zip.h"
#include "ompq/onnx_io/exporter.h"
#include "support/graph_builder.h"

// Samples as people have them, given to the program: other types and layouts, labels of any form,
// few of them, pixels for networks that take bytes.

namespace ompq::testing {
namespace {

using data::NamedArrays;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

/// Convolutions over 3 x 8 x 8, six classes.
graph::ValueId classifier(GraphBuilder& builder, graph::ValueId x) {
  x = builder.relu("relu1", builder.conv("conv1", x, {.out = 8, .kernel = 3, .bias = true}));
  x = builder.relu("relu2", builder.conv("conv2", x, {.out = 8, .kernel = 3, .bias = true}));
  x = builder.flatten("flatten", builder.global_average_pool("pool", x));
  return builder.gemm("fc", x, 6);
}

graph::Shape images_of(std::int64_t channels) {
  return {
      graph::Dim::batch(), graph::Dim::fixed(channels), graph::Dim::fixed(8), graph::Dim::fixed(8)};
}

Tensor whole_numbers(std::vector<std::int64_t> shape, std::uint64_t below, DataType type) {
  Tensor numbers(DataType::Int64, std::move(shape));
  Random random(7);
  for (std::int64_t& number : numbers.mutable_data<std::int64_t>()) {
    number = static_cast<std::int64_t>(random.below(below));
  }
  return numbers.converted_to(type);
}

class DataForms : public ::testing::Test {
 protected:
  TemporaryDirectory folder_;

  std::string path(const std::string& name) { return (folder_ / name).string(); }

  /// A network on images of floats.
  std::string float_network() {
    GraphBuilder builder("float");
    const auto x = builder.input("x", images_of(3));
    onnx_io::export_onnx(builder.finish({classifier(builder, x)}), path("float.onnx"));
    return path("float.onnx");
  }

  /// The same after a Cast from `type`.
  std::string integer_network(DataType type) {
    GraphBuilder builder("integers");
    const auto raw = builder.graph().add_input("x", type, images_of(3));
    const auto x = builder.op({.name = "cast",
                               .op_type = "Cast",
                               .inputs = {raw},
                               .attributes = {{"to", std::int64_t{1}}}},
                              images_of(3));
    onnx_io::export_onnx(builder.finish({classifier(builder, x)}), path("integers.onnx"));
    return path("integers.onnx");
  }

  std::string arrays(const std::string& name, const NamedArrays& content) {
    data::write_npz(folder_ / name, content);
    return path(name);
  }

  ProgramResult quantize(const std::string& model,
                         const std::string& data,
                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"quantize",
                                       model,
                                       "--data",
                                       data,
                                       "--avg-bits",
                                       "6",
                                       "--allocator",
                                       "uniform",
                                       "--method",
                                       "nearest",
                                       "--beside",
                                       "none",
                                       "--json",
                                       "-o",
                                       path("small.onnx")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ompq(arguments);
  }

  /// Outputs of `model` over `data`.
  Tensor outputs(const std::string& model,
                 const std::string& data,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{
        "eval", model, "--data", data, "--save-outputs", path("said.npz")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = ompq(arguments);
    EXPECT_EQ(result.status, 0) << result.error;
    return data::read_npz(folder_ / "said.npz").at("logits");
  }
};

TEST_F(DataForms, SixtyFourSamplesAreEnoughForCalibrationAndMeasuring) {
  const std::string model = float_network();
  const Tensor x = whole_numbers({64, 3, 8, 8}, 5, DataType::Float32);
  const ProgramResult made = quantize(model, arrays("x.npz", {{"x", x}}));
  ASSERT_EQ(made.status, 0) << made.error;
  const auto json = nlohmann::json::parse(made.output);
  EXPECT_EQ(json.at("samples").at("count"), 48);
  EXPECT_EQ(json.at("evaluated_on").at("count"), 16);
  const ProgramResult named = quantize(model, path("x.npz"), {"--samples", "60"});
  ASSERT_EQ(named.status, 0) << named.error;
  EXPECT_EQ(nlohmann::json::parse(named.output).at("evaluated_on").at("count"), 4);
}

TEST_F(DataForms, IntegersFeedAFloatNetworkAsTheyAre) {
  const std::string model = float_network();
  const Tensor numbers = whole_numbers({6, 3, 8, 8}, 9, DataType::Int64);
  const Tensor expected =
      outputs(model, arrays("f.npz", {{"x", numbers.converted_to(DataType::Float32)}}));
  EXPECT_TRUE(outputs(model, arrays("i.npz", {{"x", numbers}})).equals(expected));
  const Tensor doubles = numbers.converted_to(DataType::Float64);
  EXPECT_TRUE(outputs(model, arrays("d.npz", {{"x", doubles}})).equals(expected));
  std::ofstream(folder_ / "x.npy", std::ios::binary) << data::to_npy(numbers);
  EXPECT_TRUE(outputs(model, path("x.npy")).equals(expected));
}

TEST_F(DataForms, BytesReachANetworkOfIntegersAsTheyAre) {
  const Tensor pixels = whole_numbers({70, 3, 8, 8}, 256, DataType::UInt8);
  const Tensor expected =
      outputs(float_network(), arrays("f.npz", {{"x", pixels.converted_to(DataType::Float32)}}));
  for (const DataType type : {DataType::UInt8, DataType::Int32}) {
    const std::string model = integer_network(type);
    EXPECT_TRUE(outputs(model, arrays("x.npz", {{"x", pixels}})).equals(expected)) << name_of(type);
    const ProgramResult made = quantize(model, path("x.npz"));
    EXPECT_EQ(made.status, 0) << made.error;
    EXPECT_EQ(outputs(path("small.onnx"), path("x.npz")).shape(), expected.shape());
  }
}

TEST_F(DataForms, LabelsOfAnyFormDoNotRefuseCalibration) {
  const std::string model = float_network();
  const Tensor x = whole_numbers({20, 3, 8, 8}, 5, DataType::Float32);
  for (const Tensor& y :
       {whole_numbers({20}, 6, DataType::Float32), Tensor(DataType::Int64, {3})}) {
    const ProgramResult made = quantize(model, arrays("xy.npz", {{"x", x}, {"y", y}}));
    EXPECT_EQ(made.status, 0) << made.error;
  }
  const ProgramResult evaluated = ompq({"eval", model, "--data", path("xy.npz")});
  EXPECT_EQ(evaluated.status, 3) << evaluated.output;
  EXPECT_THAT(
      evaluated.error,
      AllOf(HasSubstr("labels cannot be used"), HasSubstr("array y"), HasSubstr("--reference")));
}

/// A command on samples, as far as it reads them.
std::vector<std::vector<std::string>> commands_on(const std::string& model,
                                                  const std::string& data,
                                                  const std::string& out) {
  return {{"eval", model, "--data", data, "--reference", model},
          {"quantize", model, "--data", data, "--avg-bits", "6", "-o", out},
          {"search", model, "--data", data, "--avg-bits", "6", "-o", out},
          {"sweep", model, "--data", data, "-o", out},
          {"compare", model, "--data", data, "--avg-bits", "6", "--journal", out},
          {"finetune", model, "--data", data, "--avg-bits", "6", "-o", out},
          {"diff", model, model, "--data", data}};
}

TEST_F(DataForms, LabelsThatAreNoClassAreRefusedByEveryCommand) {
  const std::string model = float_network();
  const Tensor x = whole_numbers({20, 3, 8, 8}, 5, DataType::Float32);
  const auto with = [](DataType type, double odd) {
    Tensor y(DataType::Float64, {20});
    y.mutable_data<double>()[17] = odd;
    return y.converted_to(type);
  };
  const std::vector<std::pair<Tensor, std::string>> labels{
      {with(DataType::Int64, 4294967296.0 + 2), "sample 17 is 4294967298"},
      {with(DataType::UInt64, 4294967296.0 * 7), "sample 17 is 30064771072"},
      {with(DataType::Int64, 6), "label 6 of sample 17"},
      {with(DataType::Int32, -1), "sample 17 is -1"},
      {with(DataType::UInt8, 255), "label 255 of sample 17"},
      {with(DataType::Float32, 0.5), "sample 17 is 0.5"},
      {with(DataType::Float64, std::numeric_limits<double>::quiet_NaN()), "sample 17 is nan"}};
  for (std::size_t l = 0; l < labels.size(); ++l) {
    const std::string data = arrays("xy.npz", {{"x", x}, {"y", labels[l].first}});
    const auto commands = commands_on(model, data, path("out.onnx"));
    for (std::size_t c = 0; c < commands.size(); ++c) {
      if (l > 1 && c != l % commands.size()) continue;  // each kind once; the first ones everywhere
      const ProgramResult result = ompq(commands[c]);
      EXPECT_EQ(result.status, 3) << commands[c][0] << ": " << result.output << result.error;
      EXPECT_THAT(result.error, HasSubstr(labels[l].second)) << commands[c][0];
      EXPECT_FALSE(fs::exists(folder_ / "out.onnx")) << commands[c][0];
      EXPECT_FALSE(fs::exists(folder_ / "out.onnx.journal")) << commands[c][0];
    }
  }
}

TEST_F(DataForms, NanAndInfinityInSamplesAreRefusedByEveryCommandWithTheirPlace) {
  const std::string model = float_network();
  Tensor x = whole_numbers({20, 3, 8, 8}, 5, DataType::Float32);
  const Tensor y = whole_numbers({20}, 6, DataType::Int64);
  const auto data_with = [&](double value, DataType type) {
    for (std::size_t s = 0; s < 20; ++s) {
      x.mutable_data<float>()[s * 192 + 2 * 64 + 3 * 8 + 5] = static_cast<float>(value);
    }
    return arrays("xy.npz", {{"x", x.converted_to(type)}, {"y", y}});
  };
  const std::string data = data_with(std::numeric_limits<double>::quiet_NaN(), DataType::Float32);
  for (const auto& command : commands_on(model, data, path("out.onnx"))) {
    const ProgramResult result = ompq(command);
    EXPECT_EQ(result.status, 3) << command[0] << ": " << result.output << result.error;
    EXPECT_THAT(result.error, AllOf(HasSubstr("of xy.npz"), HasSubstr("element [2, 3, 5] is nan")));
    EXPECT_FALSE(fs::exists(folder_ / "out.onnx")) << command[0];
  }
  for (const DataType type : {DataType::Float16, DataType::Float64}) {
    const ProgramResult result =
        ompq({"eval", model, "--data", data_with(std::numeric_limits<double>::infinity(), type)});
    EXPECT_EQ(result.status, 3) << result.output << result.error;
    EXPECT_THAT(result.error, HasSubstr("[sample 0 of xy.npz] element [2, 3, 5] is inf"));
  }
  // A double that no float is.
  Tensor wide = x.converted_to(DataType::Float64);
  for (double& value : wide.mutable_data<double>()) value = 1e300;
  const ProgramResult beyond =
      ompq({"eval", model, "--data", arrays("wide.npz", {{"x", wide}, {"y", y}})});
  EXPECT_EQ(beyond.status, 3) << beyond.output << beyond.error;
  EXPECT_THAT(beyond.error, HasSubstr("element [0, 0, 0] is inf"));
}

TEST_F(DataForms, MembersThatNobodyNeedsAreNotRead) {
  const std::string model = float_network();
  const std::string x = data::to_npy(whole_numbers({20, 3, 8, 8}, 5, DataType::Float32));
  std::ofstream(folder_ / "a.npz", std::ios::binary)
      << data::zip_stored({{"meta.npy", "no array at all"}, {"x.npy", x}, {"y.npy", "nor this"}});
  const ProgramResult made = quantize(model, path("a.npz"));
  EXPECT_EQ(made.status, 0) << made.error;
  EXPECT_THAT(made.error, HasSubstr("labels are not used"));
}

TEST_F(DataForms, AnIdOutsideOfTheTableIsNamed) {
  GraphBuilder builder("ids");
  const graph::Shape shape{graph::Dim::batch(), graph::Dim::fixed(4)};
  const auto ids = builder.graph().add_input("token_ids", DataType::Int64, shape);
  const auto table = builder.normal_constant("table", {20, 8}, 1.0);
  const auto rows = builder.op({.name = "embedding", .op_type = "Gather", .inputs = {table, ids}},
                               {graph::Dim::batch(), graph::Dim::fixed(4), graph::Dim::fixed(8)});
  const auto y = builder.linear("fc", builder.flatten("flatten", rows), 5);
  onnx_io::export_onnx(builder.finish({y}), path("ids.onnx"));
  Tensor numbers = whole_numbers({20, 4}, 20, DataType::Int64);
  numbers.mutable_data<std::int64_t>()[13] = 25;
  const std::string data = arrays("ids.npz", {{"token_ids", numbers}});
  for (const ProgramResult& result :
       {quantize(path("ids.onnx"), data),
        ompq({"eval", path("ids.onnx"), "--data", data, "--save-outputs", path("said.npz")})}) {
    EXPECT_EQ(result.status, 3) << result.error;
    EXPECT_THAT(result.error,
                AllOf(HasSubstr("'embedding'"), HasSubstr("'token_ids'"), HasSubstr("index 25")));
    EXPECT_THAT(result.error, Not(HasSubstr("bug in ompq")));
  }
  EXPECT_FALSE(fs::exists(folder_ / "small.onnx"));
  EXPECT_FALSE(fs::exists(folder_ / "said.npz"));
}

TEST_F(DataForms, HiddenFilesAreCountedAndLeftOut) {
  const std::string model = float_network();
  fs::create_directories(folder_ / "img" / "__MACOSX");
  for (int i = 0; i < 6; ++i) {
    std::string bmp("BM");
    bmp += std::string(8, '\0') +
           std::string("\x36\0\0\0\x28\0\0\0\x08\0\0\0\x08\0\0\0\x01\0\x18\0", 20);
    bmp += std::string(24, '\0') + std::string(8 * 24, static_cast<char>(40 * i));
    std::ofstream(folder_ / "img" / (std::to_string(i) + ".bmp"), std::ios::binary) << bmp;
  }
  std::ofstream(folder_ / "img" / ".DS_Store") << "x";
  std::ofstream(folder_ / "img" / "__MACOSX" / "._0.bmp") << "x";
  std::ofstream(folder_ / "img" / "notes.txt") << "x";
  const ProgramResult made = quantize(model, path("img"));
  EXPECT_EQ(made.status, 0) << made.error;
  EXPECT_THAT(made.error, HasSubstr("2 files of " + path("img")));
}

}  // namespace
}  // namespace ompq::testing
