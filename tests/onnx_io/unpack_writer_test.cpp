#include "ompq/onnx_io/unpack_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx_io/every_form.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using quant::QuantizedTensor;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::JudgeOptions;
using testing::run_bytes_in_onnxruntime;

class UnpackedInOnnxRuntime : public ::testing::TestWithParam<const char*> {};

TEST_P(UnpackedInOnnxRuntime, WeightsEqualDequantizedOnesToTheBit) {
  OMPQ_JUDGE_OR_SKIP();
  ExportOptions options;
  const Graph graph = testing::every_form(options);
  const auto seen = run_bytes_in_onnxruntime(
      export_onnx_bytes(graph, options), {}, JudgeOptions{.optimization = GetParam()});
  ASSERT_EQ(seen.size(), options.quantized.size());
  for (std::size_t w = 0; w < seen.size(); ++w) {
    const QuantizedTensor& weight = options.quantized.at("w" + std::to_string(w));
    const Tensor expected = quant::dequantize(weight);
    ASSERT_EQ(seen[w].shape(), expected.shape());
    for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
      ASSERT_EQ(seen[w].data<float>()[i], expected.data<float>()[i])
          << "element " << i << " of weight " << w << ", " << weight.params.bits.value()
          << " bits, shape " << shape_text(weight.shape);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimization,
                         UnpackedInOnnxRuntime,
                         ::testing::Values("all", "disabled"),
                         [](const auto& row) { return std::string(row.param); });

/// Packed weights and the model that unpacks them.
class Unpacking {
 public:
  Unpacking() {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    model_.mutable_graph()->set_name("unpacking");
  }

  void add(const std::string& name,
           int bits,
           quant::Symmetry symmetry,
           std::vector<std::int64_t> shape,
           std::vector<std::uint8_t> codes,
           std::vector<float> scale,
           std::vector<std::int32_t> zero_point,
           bool looked_up = false) {
    packed_.push_back(pack_weight({.params = {.bits = BitWidth(bits),
                                              .symmetry = symmetry,
                                              .granularity = quant::Granularity::along(0),
                                              .scale = std::move(scale),
                                              .zero_point = std::move(zero_point)},
                                   .shape = std::move(shape),
                                   .codes = std::move(codes)},
                                  name));
    rows_.push_back({.weight = nullptr, .name = name, .looked_up = looked_up});
  }
  [[nodiscard]] UnpackWriter& write() {
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].weight = &packed_[i];
    unpack_.write(rows_);
    return unpack_;
  }
  [[nodiscard]] onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  [[nodiscard]] std::vector<Tensor> run(const std::vector<std::string>& outputs,
                                        const std::map<std::string, Tensor>& inputs = {}) {
    for (const std::string& name : outputs) {
      auto& output = *graph().add_output();
      output.set_name(name);
      output.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    }
    return run_bytes_in_onnxruntime(model_.SerializeAsString(), inputs);
  }
  /// Bytes of the constants of this type.
  [[nodiscard]] std::size_t bytes_of(DataType type) const {
    std::size_t bytes = 0;
    for (const auto& tensor : model_.graph().initializer()) {
      if (tensor.data_type() == data_type_to_onnx(type)) bytes += tensor.raw_data().size();
    }
    return bytes;
  }

 private:
  onnx::ModelProto model_;
  ShortNames names_{{"a", "b", "c", "ids", "y", "z"}, 500};
  ProtoWriter out_{*model_.mutable_graph(), names_};
  UnpackWriter unpack_{out_};
  std::vector<PackedWeight> packed_;
  std::vector<UnpackedWeight> rows_;
};

constexpr auto kSymmetric = quant::Symmetry::Symmetric;
constexpr auto kAsymmetric = quant::Symmetry::Asymmetric;

TEST(UnpackWriter, GivesScaleTimesCodeMinusZeroPoint) {
  OMPQ_JUDGE_OR_SKIP();
  Unpacking unpacking;
  // Scale 0.3 is not short, so its table holds float32.
  unpacking.add("a", 3, kAsymmetric, {2, 3}, {0, 1, 7, 4, 2, 0}, {0.5F, 2}, {1, 4});
  unpacking.add("b", 8, kSymmetric, {2, 1}, {0, 255}, {0.3F, 0.25F}, {128, 128});
  // Levels of one bit are between integers.
  unpacking.add("c", 1, kSymmetric, {2, 2}, {0, 1, 1, 0}, {1, 4}, {1, 1});
  (void)unpacking.write();
  const auto weights = unpacking.run({"a", "b", "c"});
  ASSERT_EQ(weights.size(), 3U);
  EXPECT_THAT(weights[0].shape(), ElementsAre(2, 3));
  EXPECT_THAT(weights[0].data<float>(), ElementsAre(-0.5F, 0, 3, 0, -4, -8));
  EXPECT_THAT(weights[1].data<float>(), ElementsAre(-128 * 0.3F, 31.75F));
  EXPECT_THAT(weights[2].data<float>(), ElementsAre(-0.5F, 0.5F, 2, -2));
}

TEST(UnpackWriter, SharesOneTableBetweenWeightsOfAWidth) {
  const std::vector<std::uint8_t> codes(20, 5);
  const std::vector<float> scale(2, 0.5F);
  Unpacking both;
  both.add("a", 4, kSymmetric, {2, 10}, codes, scale, {8, 8});
  both.add("b", 4, kSymmetric, {2, 10}, codes, scale, {8, 8});
  (void)both.write();
  // 40 codes of half a byte, and 4 scale codes.
  const std::size_t together = both.bytes_of(DataType::UInt8);
  EXPECT_EQ(together, 20U + 4U);
  Unpacking apart;
  apart.add("a", 4, kSymmetric, {2, 10}, codes, scale, {8, 8});
  apart.add("b", 5, kSymmetric, {2, 10}, codes, scale, {16, 16});
  (void)apart.write();
  // Tables are padded to 24 codes each: 12 bytes of 4 bits, and 12 + 3 bytes of 5 bits.
  EXPECT_EQ(apart.bytes_of(DataType::UInt8), 12U + 15U + 4U);
}

TEST(UnpackWriter, ZeroPointsOfNormalLevelsTakeFourBitsEach) {
  OMPQ_JUDGE_OR_SKIP();
  Unpacking unpacking;
  unpacking.add(
      "a", 3, quant::Symmetry::Normal, {2, 4}, {0, 1, 6, 7, 7, 2, 5, 0}, {0.5F, 1}, {28, -32});
  (void)unpacking.write();
  // 3 bits of 8 codes, 4 bits of 2 zero points padded to 8, and 2 scale codes.
  EXPECT_EQ(unpacking.bytes_of(DataType::UInt8), 3U + 4U + 2U);
  EXPECT_THAT(unpacking.run({"a"})[0].data<float>(),
              ElementsAre(-61.5F, -44, 16, 33.5F, 127, -2, 66, -63));
}

TEST(UnpackWriter, DecodesRowsOfNormalLevelsThatAreLookedUp) {
  OMPQ_JUDGE_OR_SKIP();
  Unpacking unpacking;
  unpacking.add("a",
                2,
                quant::Symmetry::Normal,
                {2, 8},
                {0, 1, 2, 3, 0, 0, 0, 0, 3, 3, 2, 2, 1, 1, 0, 0},
                {0.5F, 2},
                {4, 0},
                /*looked_up=*/true);
  unpacking.write().write_lookup("a", "ids", 1, "y");
  auto& ids = *unpacking.graph().add_input();
  ids.set_name("ids");
  auto& type = *ids.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::INT64);
  type.mutable_shape()->add_dim()->set_dim_value(1);
  const auto row = [&](std::int64_t index) {
    return unpacking.run({"y"}, {{"ids", Tensor::from<std::int64_t>({1}, {index})}})[0];
  };
  EXPECT_THAT(row(0).data<float>(),
              ElementsAre(-49.5F, -16, 12, 45.5F, -49.5F, -49.5F, -49.5F, -49.5F));
  EXPECT_THAT(row(1).data<float>(), ElementsAre(190, 190, 56, 56, -56, -56, -190, -190));
}

/// Row `row` of a table of four rows and eight columns with codes 0, 5, 10, ... modulo 2^bits.
std::vector<float> decoded_row(int row, int bits, float scale) {
  std::vector<float> values;
  for (int column = 0; column < 8; ++column) {
    const int code = (row * 8 + column) * 5 % (1 << bits);
    values.push_back(scale * static_cast<float>(code - row));
  }
  return values;
}

TEST(UnpackWriter, DecodesTheRowsThatAreLookedUp) {
  OMPQ_JUDGE_OR_SKIP();
  Unpacking unpacking;
  const std::map<std::string, int> tables{{"a", 3}, {"b", 8}};
  for (const auto& [name, bits] : tables) {
    std::vector<std::uint8_t> codes;
    for (int i = 0; i < 4 * 8; ++i) codes.push_back(static_cast<std::uint8_t>(i * 5 % (1 << bits)));
    unpacking.add(
        name, bits, kAsymmetric, {4, 8}, codes, {0.5F, 1, 2, 4}, {0, 1, 2, 3}, /*looked_up=*/true);
  }
  UnpackWriter& writer = unpacking.write();
  EXPECT_TRUE(writer.has_rows("a") && writer.has_rows("b"));
  EXPECT_FALSE(writer.has_rows("c"));
  writer.write_lookup("a", "ids", 1, "y");
  writer.write_lookup("b", "ids", 1, "z");
  auto& ids = *unpacking.graph().add_input();
  ids.set_name("ids");
  auto& type = *ids.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::INT64);
  type.mutable_shape()->add_dim()->set_dim_value(3);
  const auto found =
      unpacking.run({"y", "z"}, {{"ids", Tensor::from<std::int64_t>({3}, {2, 0, 2})}});
  ASSERT_EQ(found.size(), 2U);
  for (std::size_t table = 0; table < 2; ++table) {
    const int bits = table == 0 ? 3 : 8;
    std::vector<float> expected;
    for (const int row : {2, 0, 2}) {
      const auto values = decoded_row(row, bits, row == 2 ? 2.0F : 0.5F);
      expected.insert(expected.end(), values.begin(), values.end());
    }
    EXPECT_THAT(found[table].shape(), ElementsAre(3, 8));
    EXPECT_THAT(found[table].data<float>(), ElementsAreArray(expected)) << bits << " bits";
  }
}

}  // namespace
}  // namespace ompq::onnx_io
