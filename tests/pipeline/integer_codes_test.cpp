#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "pipeline/integer_networks.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/paths.h"

/// One operator between quantizers on all codes, with many scales, here and in ONNX Runtime: on
/// this processor, on an emulated one with AVX2, and in WebAssembly.
namespace ompq::pipeline {
namespace {

using graph::Dim;
using graph::ValueId;
using testing::GraphBuilder;
using testing::Judge;

constexpr Judge kBuilds[] = {Judge::Node, Judge::Haswell, Judge::Web};

struct Quantizer {
  float scale = 1.0F;
  std::uint8_t zero_point = 0;
};

/// From x [N, 16, 16] on all codes to the result before its quantizer.
using Operator = std::function<ValueId(GraphBuilder&, ValueId)>;

graph::Shape square() { return {Dim::batch(), Dim::fixed(1), Dim::fixed(16), Dim::fixed(16)}; }

Operator operator_of(graph::Node node) {
  return [node](GraphBuilder& b, ValueId x) {
    graph::Node own = node;
    own.name = "op";
    own.inputs = {x};
    return b.op(std::move(own), square());
  };
}

/// Scales without common factors, as calibration finds them.
std::vector<std::pair<Quantizer, Quantizer>> quantizers(float output_scale) {
  std::vector<std::pair<Quantizer, Quantizer>> found;
  Random random(17);
  for (int i = 0; i < 40; ++i) {
    const auto scale = static_cast<float>(std::exp(random.uniform() * 4.0 - 5.0));
    const auto zero = static_cast<std::uint8_t>(random.uniform() * 255.0);
    const auto result = static_cast<float>((0.5 + random.uniform()) * output_scale);
    const auto result_zero = static_cast<std::uint8_t>(random.uniform() * 128.0);
    found.push_back({{scale, zero}, {result, result_zero}});
  }
  return found;
}

/// All codes, then other arrangements of them.
Tensor all_codes(const Quantizer& quantizer) {
  constexpr int kSamples = 4;
  constexpr int kCodes = 256;
  std::vector<float> values;
  for (int sample = 0; sample < kSamples; ++sample) {
    for (int i = 0; i < kCodes; ++i) {
      const int code = (i * (2 * sample + 1) + 17 * sample) % kCodes;
      values.push_back(quantizer.scale * static_cast<float>(code - quantizer.zero_point));
    }
  }
  return Tensor::from({kSamples, 1, 16, 16}, values);
}

/// The number of codes that differ, with all quantizers, in all builds.
std::int64_t different_codes(const Operator& op, float output_scale) {
  const testing::TemporaryDirectory folder;
  std::vector<testing::JudgeJob> jobs;
  std::vector<Tensor> expected;
  for (const auto& [input, output] : quantizers(output_scale)) {
    GraphBuilder b("codes");
    const ValueId x =
        b.quantize_dequantize("in", b.input("x", square()), input.scale, input.zero_point);
    const ValueId y = b.quantize_dequantize("out", op(b, x), output.scale, output.zero_point);
    const QuantizedNetwork network{.graph = b.finish({y}), .weights = {}, .integer_kernels = true};
    const auto file = folder / (std::to_string(jobs.size()) + ".onnx");
    onnx_io::write_onnx_file(file, export_file(network, {}));
    const Tensor codes = all_codes(input);
    jobs.push_back({.model = file, .inputs = {{"x", codes}}});
    expected.push_back(run_here(network, codes));
  }
  std::int64_t different = 0;
  for (const Judge judge : kBuilds) {
    const auto answers = testing::run_jobs(judge, jobs);
    std::int64_t here = 0;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      EXPECT_EQ(answers[j].refusal, "");
      if (answers[j].refusal.empty()) {
        here += different_elements(expected[j], answers[j].outputs.front());
      }
    }
    EXPECT_EQ(here, 0) << "build " << static_cast<int>(judge);
    different += here;
  }
  return different;
}

TEST(IntegerCodes, OfSigmoidAreThoseOfTheTable) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  EXPECT_EQ(different_codes(operator_of({.op_type = "Sigmoid"}), 1.0F / 255.0F), 0);
}

TEST(IntegerCodes, OfLeakyReluAreThoseOfTheTable) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  EXPECT_EQ(different_codes(operator_of({.op_type = "LeakyRelu", .attributes = {{"alpha", 0.1F}}}),
                            0.02F),
            0);
}

TEST(IntegerCodes, OfSoftmaxAreThoseOfItsTable) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  for (const std::int64_t axis : {2, 3}) {
    EXPECT_EQ(different_codes(operator_of({.op_type = "Softmax", .attributes = {{"axis", axis}}}),
                              1.0F / 255.0F),
              0)
        << "axis " << axis;
  }
}

TEST(IntegerCodes, OfAveragePoolAreMeansOfNumbersInOrder) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  for (const std::int64_t counts_padding : {0, 1}) {
    EXPECT_EQ(different_codes(
                  operator_of({.op_type = "AveragePool",
                               .attributes = {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                                              {"pads", std::vector<std::int64_t>(4, 1)},
                                              {"count_include_pad", counts_padding}}}),
                  0.02F),
              0)
        << "count_include_pad " << counts_padding;
  }
}

TEST(IntegerCodes, OfSumsWithConstantsAreThoseOfTheKernel) {
  OMPQ_JUDGE_OR_SKIP(Judge::Haswell);
  OMPQ_JUDGE_OR_SKIP(Judge::Web);
  for (const bool first : {false, true}) {
    const Operator add = [=](GraphBuilder& b, ValueId x) {
      const ValueId codes = b.constant("codes", Tensor::from<std::uint8_t>({1}, {77}));
      const ValueId constant =
          b.op({.name = "decoded",
                .op_type = "DequantizeLinear",
                .inputs = {codes,
                           b.constant("scale", Tensor::scalar(0.0123F)),
                           b.constant("zero", Tensor::scalar<std::uint8_t>(9))}},
               graph::fixed_shape({1}));
      return first ? b.add("op", constant, x) : b.add("op", x, constant);
    };
    EXPECT_EQ(different_codes(add, 0.02F), 0) << (first ? "first" : "second") << " operand";
  }
}

}  // namespace
}  // namespace ompq::pipeline
