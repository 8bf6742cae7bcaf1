#include "ompq/rounding/network_codes.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

graph::Graph with_a_bias() {
  testing::GraphBuilder builder("net");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(2)});
  return builder.finish({builder.gemm("fc", x, 3)});
}

TEST(ReplaceBiases, ReplacesTheValuesAndIgnoresOtherNames) {
  graph::Graph graph = with_a_bias();
  replace_biases(graph, {{"fc.bias", {1.0F, -2.0F, 0.5F}}, {"another.bias", {1.0F}}});
  EXPECT_THAT(graph.value(graph.find_value("fc.bias")).constant->to_floats(),
              ElementsAre(1.0F, -2.0F, 0.5F));
}

TEST(ReplaceBiases, IgnoresAnActivationWithTheName) {
  graph::Graph graph = with_a_bias();
  replace_biases(graph, {{"x", {1.0F, 2.0F}}});
  EXPECT_FALSE(graph.is_constant(graph.find_value("x")));
}

TEST(ReplaceBiases, NamesTheBiasThatDoesNotFit) {
  graph::Graph graph = with_a_bias();
  try {
    replace_biases(graph, {{"fc.bias", {1.0F, 2.0F}}});
    FAIL() << "two numbers for three channels";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 values for bias 'fc.bias' of 3"));
  }
}

}  // namespace
}  // namespace ompq::rounding
