#include "ompq/onnx_io/weight_check.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// The message for a constant `c` that nodes of these types read.
std::string check_of(const Tensor& constant, const std::vector<std::string>& readers) {
  Graph graph;
  const auto c = graph.add_constant("c", constant);
  for (const std::string& type : readers) {
    graph.mark_output(graph.add_op({"", type, "", {c}, {}, {}}));
  }
  try {
    check_weights(graph, {.name = "net.onnx"});
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CheckWeights, AcceptsFiniteNumbersAndIntegers) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(check_of(Tensor::from<float>({2}, {-largest, 0}), {"Conv"}), "nothing was thrown");
  EXPECT_EQ(check_of(Tensor::from<std::int64_t>({2}, {INT64_MIN, INT64_MAX}), {"Gather"}),
            "nothing was thrown");
}

TEST(CheckWeights, NamesTheFirstBadElementByItsIndex) {
  EXPECT_THAT(
      check_of(Tensor::from<float>({2, 2, 3}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kNan, kInfinity}),
               {"MatMul"}),
      HasSubstr("[net.onnx] constant 'c' of shape 2x2x3 has NaN at index [1,1,1]"));
  EXPECT_THAT(check_of(Tensor::from<float>({3}, {0, -kInfinity, kNan}), {"Mul"}),
              HasSubstr("has infinity at index [1]"));
  EXPECT_THAT(check_of(Tensor::from<double>({1, 2}, {0, std::numeric_limits<double>::quiet_NaN()}),
                       {"MatMul"}),
              HasSubstr("has NaN at index [0,1]"));
}

TEST(CheckWeights, AllowsInfinityInMasksAndLimits) {
  const Tensor mask = Tensor::from<float>({2}, {0, -kInfinity});
  for (const char* reader : {"Add", "Where", "Max", "Concat"}) {
    EXPECT_EQ(check_of(mask, {reader, "Add"}), "nothing was thrown") << reader;
    EXPECT_THAT(check_of(mask, {reader, "MatMul"}), HasSubstr("has infinity at index [1]"))
        << reader << ": it is also a weight";
  }
  EXPECT_EQ(check_of(Tensor::scalar(kInfinity), {"Mul"}), "nothing was thrown");
}

TEST(CheckWeights, AllowsNanNowhere) {
  EXPECT_THAT(check_of(Tensor::from<float>({2}, {-kInfinity, kNan}), {"Add"}),
              HasSubstr("has NaN at index [1]"));
  EXPECT_THAT(check_of(Tensor::from<float>({1}, {kNan}), {"Clip"}), HasSubstr("has NaN"));
}

}  // namespace
}  // namespace ompq::onnx_io
