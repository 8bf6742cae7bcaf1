#include "ompq/onnx_io/code_tables.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "ompq/core/random.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

/// A model that returns decoded codes.
class DecodedCodes {
 public:
  DecodedCodes() {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    model_.mutable_graph()->set_name("codes");
  }

  void add(const std::vector<std::uint8_t>& codes, int bits) {
    auto& output = *model_.mutable_graph()->add_output();
    output.set_name(tables_.write(codes, BitWidth(bits)));
    output.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT8);
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& tensor : model_.graph().initializer()) bytes += tensor.raw_data().size();
    return bytes;
  }
  [[nodiscard]] std::vector<Tensor> run() const {
    return testing::run_bytes_in_onnxruntime(model_.SerializeAsString(), {});
  }

 private:
  onnx::ModelProto model_;
  ShortNames names_{{}, 500};
  ProtoWriter out_{*model_.mutable_graph(), names_};
  CodeTables tables_{out_};
};

std::vector<std::uint8_t> random_codes(std::size_t count, int bits) {
  Random random(static_cast<std::uint64_t>(bits));
  std::vector<std::uint8_t> codes;
  for (std::size_t i = 0; i < count; ++i) {
    codes.push_back(static_cast<std::uint8_t>(random.uniform() * (1 << bits)));
  }
  return codes;
}

/// The code's low bits as a signed number.
int signed_value(std::uint8_t code, int bits) {
  return code >= 1 << (bits - 1) ? code - (1 << bits) : code;
}

void expect_decoded(const Tensor& got, const std::vector<std::uint8_t>& codes, int bits) {
  const auto values = got.data<std::int8_t>();
  ASSERT_GE(values.size(), codes.size());
  ASSERT_LT(values.size(), codes.size() + 8);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    ASSERT_EQ(static_cast<int>(values[i]), signed_value(codes[i], bits))
        << "code " << i << " of " << bits << " bits";
  }
}

TEST(CodeTables, DecodeToSignedNumbers) {
  OMPQ_JUDGE_OR_SKIP();
  constexpr std::size_t kCodes = 1003;
  DecodedCodes decoded;
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    // Tables of a width share the nodes for its values.
    for (const std::size_t count : {kCodes, std::size_t{5}}) {
      decoded.add(random_codes(count, bits), bits);
    }
  }
  const std::vector<Tensor> got = decoded.run();
  ASSERT_EQ(got.size(), 16U);
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    const auto first = static_cast<std::size_t>(2 * (bits - kMinBits));
    expect_decoded(got[first], random_codes(kCodes, bits), bits);
    expect_decoded(got[first + 1], random_codes(5, bits), bits);
  }
}

TEST(CodeTables, DecodeManyCodesOfFourBitsByWords) {
  OMPQ_JUDGE_OR_SKIP();
  constexpr std::size_t kMany = (std::size_t{1} << 19) + 3;
  DecodedCodes decoded;
  decoded.add(random_codes(kMany, 4), 4);
  EXPECT_LT(decoded.bytes(), kMany / 2 + 1000);
  expect_decoded(decoded.run().front(), random_codes(kMany, 4), 4);
}

TEST(CodeTables, TakeTheBitsOfTheCodesAndLittleElse) {
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    DecodedCodes decoded;
    decoded.add(random_codes(80000, bits), bits);
    EXPECT_GE(decoded.bytes(), 10000U * static_cast<std::size_t>(bits));
    EXPECT_LT(decoded.bytes(), 10000U * static_cast<std::size_t>(bits) + 300);
  }
}

}  // namespace
}  // namespace ompq::onnx_io
