#include "ompq/sensitivity/output_divergence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"
#include "support/graph_builder.h"

namespace ompq::sensitivity {
namespace {

using graph::Dim;
using testing::Fixture;
using testing::GraphBuilder;
using ::testing::HasSubstr;

LossTable measure(const Fixture& fixture, const std::string& name) {
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {name}, .widths = fixture.widths},
                          fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  measurement.add_batch(executor, fixture.slice(0, 4));
  measurement.add_batch(executor, fixture.slice(4, 6));
  return measurement.result().at(name);
}

/// Why the metric is dropped on this network.
std::string reason_to_drop(const Fixture& fixture, const std::string& name) {
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {name, "weight-mse"}, .widths = fixture.widths},
                          fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  measurement.add_batch(executor, fixture.input);
  EXPECT_TRUE(measurement.result().contains("weight-mse"));  // the others go on
  EXPECT_FALSE(measurement.result().contains(name));
  return measurement.dropped().at(name);
}

/// Expects `by_definition(float outputs, quantized outputs)`, each from a pass over all.
template <typename Definition>
void expect_definition(const Fixture& fixture,
                       const LossTable& table,
                       const Definition& by_definition) {
  const auto real = testing::run(fixture.graph, fixture.input);
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const auto quantized = testing::run(fixture.changed({{l, fixture.widths[w]}}), fixture.input);
      // The outputs' own rounding, 2^-24 of each over a few layers, enters squared and once.
      const double expected = by_definition(real, quantized);
      EXPECT_NEAR(table.at(l, w), expected, 1e-3 * expected + 1e-10) << l << " " << w;
    }
  }
}

TEST(OutputMse, EqualsItsDefinitionThoughThePrefixIsReused) {
  const Fixture fixture(testing::residual_network());
  expect_definition(fixture, measure(fixture, "output-mse"), [](const auto& y, const auto& q) {
    return testing::relative_error(q, y);
  });
}

TEST(OutputMse, NeedsNoClasses) {
  const Fixture fixture(testing::image_network());
  expect_definition(fixture, measure(fixture, "output-mse"), [](const auto& y, const auto& q) {
    return testing::relative_error(q, y);
  });
}

TEST(OutputKl, EqualsItsDefinitionThoughThePrefixIsReused) {
  const Fixture fixture(testing::residual_network());
  expect_definition(fixture, measure(fixture, "output-kl"), [](const auto& y, const auto& q) {
    return testing::mean_divergence(y.front(), q.front());
  });
}

graph::Graph classifier(bool softmax) {
  GraphBuilder builder("classifier");
  const auto x = builder.input("input", {Dim::batch(), Dim::fixed(6)});
  auto y = builder.gemm("fc2", builder.relu("relu", builder.gemm("fc1", x, 8)), 5);
  if (softmax) y = builder.unary("Softmax", "softmax", y);
  return builder.finish({y});
}

TEST(OutputKl, TakesProbabilitiesAsTheyAre) {
  const LossTable logits = measure(Fixture(classifier(false)), "output-kl");
  const LossTable probabilities = measure(Fixture(classifier(true)), "output-kl");
  for (std::size_t i = 0; i < logits.values.size(); ++i) {
    const double expected = logits.values[i];
    EXPECT_NEAR(probabilities.values[i], expected, 1e-3 * expected + 1e-10) << i;
  }
}

TEST(OutputKl, IsDroppedForAnImage) {
  const std::string reason = reason_to_drop(Fixture(testing::image_network()), "output-kl");
  EXPECT_THAT(reason, HasSubstr("rows of class scores"));
  EXPECT_THAT(reason, HasSubstr("use output-mse"));
}

TEST(OutputMse, IsDroppedForANetworkThatSaysNothing) {
  Fixture fixture(testing::residual_network());
  for (std::size_t i = 0; i < fixture.graph.values().size(); ++i) {
    auto& value = fixture.graph.mutable_value(static_cast<graph::ValueId>(i));
    if (value.constant && value.constant->type() == DataType::Float32) {
      value.constant = Tensor(DataType::Float32, value.constant->shape());
    }
  }
  EXPECT_THAT(reason_to_drop(fixture, "output-mse"), HasSubstr("zero on every sample"));
}

/// Two Gemms, and the greatest of the last one's scores.
graph::Graph classes_alone() {
  GraphBuilder builder("classes");
  const auto x = builder.input("input", {Dim::batch(), Dim::fixed(6)});
  const auto scores = builder.gemm("fc2", builder.relu("relu", builder.gemm("fc1", x, 8)), 4);
  return builder.finish({builder.op({.name = "best",
                                     .op_type = "ArgMax",
                                     .inputs = {scores},
                                     .attributes = {{"axis", std::int64_t{1}}}},
                                    {Dim::batch(), Dim::fixed(1)},
                                    DataType::Int64)});
}

TEST(OutputMse, CountsElementsThatDifferWhereNoOutputIsAFloat) {
  const Fixture fixture(classes_alone());
  const LossTable table = measure(fixture, "output-mse");
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    const auto real = testing::run(fixture.graph, fixture.input).front().to_int64s();
    const auto changed =
        testing::run(fixture.changed({{l, fixture.widths.front()}}), fixture.input);
    const auto classes = changed.front().to_int64s();
    double differing = 0;
    for (std::size_t i = 0; i < real.size(); ++i) differing += real[i] != classes[i] ? 1 : 0;
    EXPECT_DOUBLE_EQ(table.at(l, 0), differing / static_cast<double>(real.size())) << l;
  }
}

TEST(Gradients, AreDroppedWhereNoOutputIsAFloat) {
  for (const char* name : {"fisher", "hessian"}) {
    EXPECT_THAT(reason_to_drop(Fixture(classes_alone()), name), HasSubstr("no float output"))
        << name;
  }
}

}  // namespace
}  // namespace ompq::sensitivity
