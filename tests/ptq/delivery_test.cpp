#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "pipeline/small_model.h"
#include "support/paths.h"
#include "support/program.h"

namespace ompq::ptq {
namespace {

using ::testing::HasSubstr;

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() { quantize({.symmetry = quant::Symmetry::Asymmetric}); }

  void quantize(const rounding::WeightOptions& options) {
    pipeline::Samples samples = pipeline::small_samples(8);
    std::vector<graph::Layer> layers = model_.discovery.layers;
    const std::vector<BitWidth> widths(layers.size(), BitWidth(4));
    const auto activations = rounding::calibrate_activations(
        model_.graph, layers, widths, *samples.dataset, samples.indices, {}, {});
    codes_ = pipeline::nearest_codes(model_, bits_, activations, options);
  }
  /// Weights with normal levels of every width that has them, and others.
  void use_normal_levels() {
    bits_ = {8, 3, 1, 4, 2};
    quantize({.symmetry = quant::Symmetry::Normal});
  }

  pipeline::Model model_ = pipeline::small_model();
  std::vector<int> bits_{8, 3, 1, 7, 2};
  rounding::NetworkCodes codes_;
};

const graph::Layer& layer_named(const pipeline::Model& model, const std::string& name) {
  for (const graph::Layer& layer : model.discovery.layers) {
    if (layer.name == name) return layer;
  }
  throw std::runtime_error("no layer " + name);
}

/// sum_i level x_i + bias of each row, x_i = i % 7 - 3, in half steps where levels have halves:
/// what the C program below prints.
std::vector<std::int64_t> accumulators(const pipeline::Model& model,
                                       const rounding::NetworkCodes& codes,
                                       const graph::Layer& layer) {
  const auto& weight = codes.weights.at(model.graph.value(layer.weight).name);
  const auto rows = static_cast<std::size_t>(weight.shape[0]);
  const std::size_t columns = weight.codes.size() / rows;
  const float input = codes.activations.at(layer.input).scale.front();
  const auto bias = model.graph.value(layer.bias).constant->data<float>();
  std::vector<std::int64_t> sums;
  for (std::size_t r = 0; r < rows; ++r) {
    const float step = input * weight.params.scale[r];
    const int unit = quant::level_shift(weight.params) > 0.0F ? 2 : 1;
    double sum = std::round(quant::short_bias(bias[r], step) / step);
    for (std::size_t i = 0; i < columns; ++i) {
      const float level =
          quant::level_of_code(weight.codes[r * columns + i], quant::grid_of(weight.params, r));
      sum += static_cast<double>(level) * (static_cast<double>(i % 7) - 3);
    }
    sums.push_back(std::llround(unit * sum));
  }
  return sums;
}

std::string program_for(const std::string& name, std::size_t rows, bool normal) {
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::ostringstream text;
  text << "#include <stdio.h>\n#include \"net.h\"\nint main(void) {\n"
       << "  const uint32_t columns = " << upper << "_COUNT / " << rows << ";\n"
       << "  for (uint32_t r = 0; r < " << rows << "; ++r) {\n"
       << "    int32_t sum = " << name << "_bias[r];\n"
       << "    for (uint32_t i = 0; i < columns; ++i)\n"
       << "      sum += (" << (normal ? name + "_level[" : upper + "_STRIDE * (int32_t)")
       << "ompq_code(" << name << "_codes, r * columns + i, " << upper << "_BITS)"
       << (normal ? "]" : "") << " - " << name << "_zero_point[r]) * ((int32_t)(i % 7) - 3);\n"
       << "    printf(\"%d\\n\", (int)sum);\n  }\n  return 0;\n}\n";
  return text.str();
}

class HeaderTest : public DeliveryTest, public ::testing::WithParamInterface<bool> {};

TEST_P(HeaderTest, GivesALayersIntegersInACompiledProgram) {
  if (GetParam()) use_normal_levels();
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "net.h", c_header(model_, bits_, codes_, "net"));
  for (const std::string name : {"conv1", "conv2", "conv3", "depthwise", "fc"}) {
    const graph::Layer& layer = layer_named(model_, name);
    const std::vector<std::int64_t> expected = accumulators(model_, codes_, layer);
    const auto& weight = codes_.weights.at(model_.graph.value(layer.weight).name);
    const bool normal = weight.params.symmetry == quant::Symmetry::Normal;
    EXPECT_EQ(normal, GetParam() && quant::has_normal_levels(weight.params.bits)) << name;
    write_file_atomically(folder / "main.c", program_for("net_" + name, expected.size(), normal));
    const std::string out = (folder / "main").string();
    const auto compiled = testing::run_program({"cc",
                                                "-std=c99",
                                                "-Wall",
                                                "-Wextra",
                                                "-Wpedantic",
                                                "-Wconversion",
                                                "-Wno-unused-variable",
                                                "-Werror",
                                                "-o",
                                                out,
                                                (folder / "main.c").string()});
    ASSERT_EQ(compiled.status, 0) << compiled.error;
    std::istringstream printed(testing::run_program({out}).output);
    std::vector<std::int64_t> got;
    for (std::int64_t sum = 0; printed >> sum;) got.push_back(sum);
    EXPECT_EQ(got, expected) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, HeaderTest, ::testing::Bool(), [](const auto& row) {
  return row.param ? "Normal" : "Asymmetric";
});

TEST_F(DeliveryTest, NamesOfLayersBecomeIdentifiersAndEndNoComment) {
  model_.graph.mutable_node(model_.discovery.layers[0].node).name = "x";
  model_.discovery.layers[0].name = "1/a*/b";
  model_.discovery.layers[1].name = "1.a* b";
  const std::string header = c_header(model_, bits_, codes_, "my net-2");
  EXPECT_THAT(header, HasSubstr("#ifndef OMPQ_MY_NET_2_H"));
  EXPECT_THAT(header, HasSubstr("Conv 1/a* /b:"));
  EXPECT_THAT(header, HasSubstr("my_net_2__1_a__b_codes"));
}

/// Compiles the header by itself. @return what the compiler says; "" if it accepts it.
std::string compiled_header(const std::filesystem::path& folder, const std::string& header) {
  write_file_atomically(folder / "net.h", header);
  write_file_atomically(folder / "main.c", "#include \"net.h\"\nint main(void) { return 0; }\n");
  for (const char* standard : {"-std=c99", "-std=c11", "-std=gnu17"}) {
    const auto made = testing::run_program({"cc",
                                            standard,
                                            "-Wall",
                                            "-Wextra",
                                            "-Wpedantic",
                                            "-Werror",
                                            "-trigraphs",
                                            "-fsyntax-only",
                                            (folder / "main.c").string()});
    if (made.status != 0) return made.error + "\n" + header.substr(0, 4000);
  }
  return "";
}

TEST_F(DeliveryTest, NoNameLeavesItsCommentOrIdentifier) {
  const testing::TemporaryDirectory folder;
  using namespace std::string_literals;
  const std::vector<std::string> names{
      "*\\\n/ int broken[] = {; /*",     // line splicing joins * and /
      "*\?\?/\n/ int broken[] = {; /*",  // the trigraph ??/ is a backslash
      "*/ #error left /*",
      "/* inside",
      "ends with *",
      "/ starts with a slash",
      "?\?/",
      "?\?/?\?/\n#error line",
      "\n#error line\n",
      "\r\n#include \"nothing.h\"\r\n",
      "\\",
      "// \\",
      "nul\0*/ #error"s,
      "\xe2\x80\xae*/ bidi \xe2\x81\xa6",
      "\xff\xfe*\x2f",
      "\xe2\x80\xa8#error separator",
      "\"; #error \"",
      "int",
      "",
      "  ",
      "9",
      "größe 层",
      std::string(100'000, 'x'),
      std::string(50'000, '*') + std::string(50'000, '/')};
  const auto count = model_.discovery.layers.size();
  for (std::size_t n = 0; n < names.size(); ++n) {
    for (std::size_t l = 0; l < count; ++l) {
      model_.discovery.layers[l].name = names[(n + l) % names.size()];
    }
    EXPECT_EQ(compiled_header(folder.path(), c_header(model_, bits_, codes_, names[n])), "") << n;
  }
}

TEST_F(DeliveryTest, NamesThatAreAlikeGetDistinctIdentifiers) {
  const testing::TemporaryDirectory folder;
  const std::vector<std::vector<std::string>> sets{{"a.b", "a/b", "A_B", "a b", "a_b_2"},
                                                   {"a", "a_input", "a_input_input", "a", "A"},
                                                   {"a_input", "a", "a_codes", "a_scale", "a_bits"},
                                                   {"", "_", "__", "?", "\n"}};
  for (const auto& names : sets) {
    for (std::size_t l = 0; l < names.size(); ++l) model_.discovery.layers[l].name = names[l];
    EXPECT_EQ(compiled_header(folder.path(), c_header(model_, bits_, codes_, "net")), "");
  }
}

TEST_F(DeliveryTest, NoAttributeLeavesItsComment) {
  const testing::TemporaryDirectory folder;
  for (const std::string name : {"*\\\n/ #error", "*\?\?/\n/ #error", "*/ #error"}) {
    for (const graph::Layer& layer : model_.discovery.layers) {
      model_.graph.mutable_node(layer.node).attributes[name] = std::int64_t{3};
    }
    EXPECT_EQ(compiled_header(folder.path(), c_header(model_, bits_, codes_, "net")), "") << name;
  }
}

TEST_F(DeliveryTest, TheHeaderSaysHowAKernelMoves) {
  const graph::Layer& layer = layer_named(model_, "depthwise");
  const std::int64_t group = model_.graph.node(layer.node).int_attribute("group", 1);
  ASSERT_GT(group, 1);
  EXPECT_THAT(c_header(model_, bits_, codes_, "net"),
              HasSubstr("group=" + std::to_string(group) + ", "));
}

TEST_F(DeliveryTest, LayersThatStayFloatAreNamed) {
  const auto& name = model_.graph.value(model_.discovery.layers[2].weight).name;
  codes_.weights.erase(name);
  EXPECT_THAT(c_header(model_, bits_, codes_, "net"), HasSubstr("Conv conv3 stays float"));
}

TEST_F(DeliveryTest, EncodingsHaveALineForEachChannelAndTheRangeOfTheirLevels) {
  const auto json = nlohmann::json::parse(encodings_json(model_, codes_));
  EXPECT_EQ(json["version"], "0.6.1");
  EXPECT_EQ(json["param_encodings"].size(), codes_.weights.size());
  EXPECT_EQ(json["activation_encodings"].size(), codes_.activations.size());
  const graph::Layer& layer = layer_named(model_, "conv2");
  const std::string& name = model_.graph.value(layer.weight).name;
  const auto& params = codes_.weights.at(name).params;
  const auto& encodings = json["param_encodings"][name];
  ASSERT_EQ(encodings.size(), params.scale.size());
  for (std::size_t c = 0; c < encodings.size(); ++c) {
    const double scale = encodings[c]["scale"];
    EXPECT_EQ(encodings[c]["bitwidth"], 3);
    EXPECT_EQ(static_cast<float>(scale), params.scale[c]);
    EXPECT_EQ(encodings[c]["offset"], -params.zero_point[c]);
    EXPECT_DOUBLE_EQ(encodings[c]["max"].get<double>() - encodings[c]["min"].get<double>(),
                     7 * scale);
  }
}

TEST_F(DeliveryTest, EncodingsOfOneBitAreEveryOtherLevelOfTwo) {
  const auto json = nlohmann::json::parse(encodings_json(model_, codes_));
  const std::string& name = model_.graph.value(layer_named(model_, "conv3").weight).name;
  const auto& params = codes_.weights.at(name).params;
  const auto& encoding = json["param_encodings"][name][1];
  EXPECT_EQ(encoding["bitwidth"], 2);
  EXPECT_EQ(encoding["offset"], -2);
  EXPECT_EQ(encoding["scale"].get<float>(), params.scale[1] / 2);
}

TEST_F(DeliveryTest, EncodingsOfNormalLevelsAreSomeOfEightBits) {
  use_normal_levels();
  const auto json = nlohmann::json::parse(encodings_json(model_, codes_));
  const std::string& name = model_.graph.value(layer_named(model_, "conv2").weight).name;
  const auto& weight = codes_.weights.at(name);
  const auto& encoding = json["param_encodings"][name][1];
  EXPECT_EQ(encoding["bitwidth"], 8);
  EXPECT_EQ(encoding["offset"], -128);
  EXPECT_EQ(encoding["scale"].get<float>(), weight.params.scale[1]);
}

TEST_F(DeliveryTest, AWrittenFileGivesBackCodesOfNormalLevels) {
  use_normal_levels();
  const testing::TemporaryDirectory folder;
  for (const std::string target : {"exact", "onnxruntime"}) {
    rounding::NetworkCodes codes = codes_;
    codes.target = target;
    const pipeline::QuantizedNetwork network = pipeline::assemble_network(model_, bits_, codes);
    const auto file = folder / (target + ".onnx");
    write_delivered(file_format("packed").files({model_, bits_, codes, network, {}, file}));
    const pipeline::QuantizedFile read = pipeline::read_quantized_file(model_, file);
    EXPECT_EQ(read.weight_bits, bits_);
    for (const auto& [name, weight] : codes_.weights) {
      const quant::QuantizedTensor& got = read.codes.weights.at(name);
      EXPECT_EQ(got.params.bits.value(), weight.params.bits.value()) << name;
      EXPECT_TRUE(quant::dequantize(got).equals(quant::dequantize(weight))) << target << name;
    }
  }
}

TEST_F(DeliveryTest, AWrittenFileGivesBackCodesOfEveryWidth) {
  const testing::TemporaryDirectory folder;
  const pipeline::QuantizedNetwork network = pipeline::assemble_network(model_, bits_, codes_);
  write_delivered(
      file_format("packed").files({model_, bits_, codes_, network, {}, folder / "small.onnx"}));
  const pipeline::QuantizedFile read = pipeline::read_quantized_file(model_, folder / "small.onnx");
  EXPECT_EQ(read.weight_bits, bits_);
  ASSERT_EQ(read.codes.weights.size(), codes_.weights.size());
  for (const auto& [name, weight] : codes_.weights) {
    const quant::QuantizedTensor& got = read.codes.weights.at(name);
    EXPECT_EQ(got.params.bits.value(), weight.params.bits.value()) << name;
    EXPECT_TRUE(quant::dequantize(got).equals(quant::dequantize(weight))) << name;
  }
}

TEST_F(DeliveryTest, TheFloatNetworkBesideEncodingsHoldsTheQuantizedValues) {
  const testing::TemporaryDirectory folder;
  const pipeline::QuantizedNetwork network = pipeline::assemble_network(model_, bits_, codes_);
  const auto files =
      file_format("encodings").files({model_, bits_, codes_, network, {}, folder / "net.onnx"});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[1].file, folder / "net.encodings");
  write_file_atomically(files[0].file, files[0].bytes);
  const pipeline::Model written = pipeline::load_model(files[0].file);
  const auto json = nlohmann::json::parse(files[1].bytes);
  for (const auto& [name, entry] : json["param_encodings"].items()) {
    const graph::ValueId id = written.graph.find_value(name);
    ASSERT_NE(id, graph::kNoValue) << name;
    EXPECT_TRUE(
        written.graph.value(id).constant->equals(quant::dequantize(codes_.weights.at(name))))
        << name;
  }
  for (const auto& [name, entry] : json["activation_encodings"].items()) {
    EXPECT_NE(written.graph.find_value(name), graph::kNoValue) << name;
  }
}

}  // namespace
}  // namespace ompq::ptq
