#include "ompq/search/session.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() { options_.executor.threads = 1; }

  SearchSession session() {
    return SearchSession(model_, samples_, options_, [this](const ProgressEvent&) { ++events_; });
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(16);
  SearchOptions options_;
  int events_ = 0;
};

TEST_F(SessionTest, MeasuresWhatAnAllocatorNeedsOnceForAllBudgets) {
  // Tables of normal levels take more bytes than two bits of these few weights.
  options_.request.symmetry = options_.weights.symmetry = quant::Symmetry::Asymmetric;
  SearchSession session = this->session();
  const SolvedRequest three = session.solve("output-mse", {.average_bits = 3});
  const int after_first = events_;
  EXPECT_GT(after_first, 0);
  EXPECT_THAT(session.losses(), UnorderedElementsAre(Key("output-mse")));
  const SolvedRequest five = session.solve("output-mse", {.average_bits = 5});
  EXPECT_EQ(events_, after_first) << "the second budget needs no pass";
  EXPECT_LE(three.allocation.cost.average_bits, 3);
  EXPECT_GT(five.bytes, three.bytes);
}

TEST_F(SessionTest, PreparesSeveralAllocatorsInOneGo) {
  SearchSession session = this->session();
  session.prepare({"weight-mse", "orm", "uniform"});
  EXPECT_THAT(session.measurements().losses, UnorderedElementsAre(Key("weight-mse")));
  EXPECT_TRUE(session.measurements().features);
  const int after = events_;
  (void)session.solve("weight-mse", {.average_bits = 4});
  (void)session.solve("orm", {.average_bits = 3});
  (void)session.solve("uniform", {.average_bits = 4});
  EXPECT_EQ(events_, after);
}

TEST_F(SessionTest, CompensatesOnlyForWhatIsMeasured) {
  options_.compensated = true;
  SearchSession session = this->session();
  EXPECT_EQ(events_, 0) << "nothing was asked yet";
  (void)session.solve("size-only", {.average_bits = 4});
  EXPECT_EQ(events_, 0);
  (void)session.solve("weight-mse", {.average_bits = 4});
  EXPECT_GT(events_, 0);
}

TEST_F(SessionTest, SaysTheBytesOfTheFileThatAnAnswerMakes) {
  SearchSession session = this->session();
  const allocation::Budget budget{.average_bits = 4};
  const SolvedRequest solved = session.solve("size-only", budget);
  EXPECT_EQ(solved.bytes,
            pipeline::FileSize(model_, {}, {}).answering(budget).bytes(solved.allocation));
}

TEST_F(SessionTest, NeedsNoMeasurementWhereNothingIsLeftToChoose) {
  options_.request.choices.pins = {{"*", 4}};
  SearchSession session = this->session();
  EXPECT_TRUE(session.leaves_no_choice("output-mse"));
  EXPECT_THAT(session.solve("output-mse", {.average_bits = 4}).allocation.weight_bits,
              ::testing::Each(4));
  EXPECT_EQ(events_, 0);
  options_.request.choices.pins = {{"conv*", 4}};
  EXPECT_FALSE(this->session().leaves_no_choice("output-mse"));
}

TEST_F(SessionTest, SaysWhyAnAllocatorHasNoAnswer) {
  for (const graph::ValueId id :
       {model_.discovery.layers[1].weight, model_.discovery.layers[1].bias}) {
    graph::Value& value = model_.graph.mutable_value(id);
    value.constant = Tensor(DataType::Float32, value.constant->shape());
  }
  SearchSession session = this->session();
  EXPECT_FALSE(session.unusable_reason("weight-mse"));
  EXPECT_THAT(session.unusable_reason("orm").value_or(""), HasSubstr("'orm' is not measured: "));
  EXPECT_THAT(session.dropped(), Contains(Key("orm")));
  EXPECT_FALSE(session.prediction("orm", {4, 4, 4, 4, 4}));
  try {
    (void)session.solve("orm", {.average_bits = 3});
    FAIL() << "answered without the matrix";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("allocator 'orm' cannot be used"));
  }
}

TEST_F(SessionTest, DrawsRandomAllocationsByTheirSeed) {
  SearchSession session = this->session();
  const allocation::Budget budget{.average_bits = 4.3};
  const auto widths = [&](std::uint64_t seed) {
    return session.random(budget, seed).allocation.weight_bits;
  };
  EXPECT_EQ(widths(1), widths(1));
  std::set<std::vector<int>> different;
  for (std::uint64_t seed = 0; seed < 8; ++seed) different.insert(widths(seed));
  EXPECT_GE(different.size(), 3U);
  EXPECT_EQ(events_, 0);
}

TEST_F(SessionTest, PredictsLessLossForMoreBits) {
  SearchSession session = this->session();
  for (const std::string name : {"output-mse", "weight-mse", "orm", "pairwise"}) {
    const auto narrow = session.prediction(name, {2, 2, 2, 2, 2});
    const auto wide = session.prediction(name, {8, 8, 8, 8, 8});
    ASSERT_TRUE(narrow && wide) << name;
    EXPECT_LT(*wide, *narrow) << name;
  }
  EXPECT_FALSE(session.prediction("uniform", {8, 8, 8, 8, 8})) << "it has no metric";
}

TEST_F(SessionTest, RefusesABudgetBelowTheLeast) {
  SearchSession session = this->session();
  EXPECT_THROW((void)session.solve("size-only", {.bytes = 100}), InfeasibleBudget);
}

}  // namespace
}  // namespace ompq::search
