#include "ompq/ptq/rounding_method.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/network.h"
#include "ompq/runtime/executor.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::ptq {
namespace {

using ::testing::HasSubstr;

TEST(MethodTable, HasDistinctNamesAndMoreSamplesForMoreEffort) {
  std::set<std::string_view> names;
  for (const MethodRow& row : method_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(&method_row(row.name), &row);
    EXPECT_LE(row.samples[0], row.samples[1]) << row.name;
    EXPECT_LE(row.samples[1], row.samples[2]) << row.name;
    EXPECT_EQ(row.is_plain(), row.name == "nearest") << row.name;
    EXPECT_EQ(row.is_plain(), row.samples[0] == 0) << row.name;
  }
}

TEST(MethodTable, NamesTheNearestMethodForAnUnknownName) {
  try {
    (void)method_row("gtpq");
    FAIL() << "accepted an unknown method";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("gptq"));
  }
}

TEST(EffortTable, NamesMethodsOfTheTableAndNeedsMoreIterationsForMoreEffort) {
  std::int64_t iterations = 0;
  for (const Effort effort : {Effort::Fast, Effort::Balanced, Effort::Best}) {
    const EffortRow& row = effort_row(effort);
    EXPECT_NO_THROW((void)method_row(row.method)) << row.name;
    EXPECT_GT(row.iterations, iterations) << row.name;
    iterations = row.iterations;
  }
}

TEST(SamplesWanted, DependOnTheMethodAndOnThePreparation) {
  EXPECT_EQ(samples_wanted({.method = "nearest"}), 0);
  EXPECT_GT(samples_wanted({.method = "nearest", .prepare = {.correct_bias = true}}), 0);
  EXPECT_EQ(samples_wanted({.method = "nearest", .prepare = {.analytic_bias = true}}), 0)
      << "it needs no data";
  EXPECT_EQ(samples_wanted({.method = "gptq", .effort = Effort::Best}),
            method_row("gptq").samples[2]);
}

TEST(EqualizedModel, HasTheSameFunctionAndOtherWeights) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(16);
  const pipeline::Model equalized =
      equalized_model(model, *samples.dataset, samples.indices, 8, {});
  const data::Batch batch = samples.dataset->load(samples.indices);
  runtime::Executor before(model.graph, {.threads = 1});
  runtime::Executor after(equalized.graph, {.threads = 1});
  const auto expected = before.run(batch.inputs).front().to_floats();
  const auto got = after.run(batch.inputs).front().to_floats();
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
  const graph::ValueId weight = model.discovery.layers[1].weight;
  EXPECT_FALSE(equalized.graph.value(weight).constant->equals(*model.graph.value(weight).constant));
}

class RoundNetwork : public ::testing::Test {
 protected:
  rounding::NetworkCodes rounded(const std::string& method, pipeline::Journal* journal = nullptr) {
    const MethodOptions options{.method = method, .iterations = 20, .epochs = 1, .threads = 1};
    report_ = {};
    return round_network(
        model_, nearest_, *samples_.dataset, samples_.indices, options, journal, report_);
  }
  static std::vector<std::string> texts(const rounding::NetworkCodes& codes) {
    std::vector<std::string> texts;
    for (const auto& [name, weight] : codes.weights) {
      texts.push_back(name + std::string(weight.codes.begin(), weight.codes.end()));
    }
    return texts;
  }

  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(24);
  rounding::NetworkCodes nearest_ = pipeline::nearest_codes(model_, std::vector<int>(5, 3), {}, {});
  report::Reconstruction report_;
};

TEST_F(RoundNetwork, KeepsTheCodesForNearest) {
  EXPECT_EQ(texts(rounded("nearest")), texts(nearest_));
  EXPECT_TRUE(report_.blocks.empty());
}

TEST_F(RoundNetwork, ResumesFromItsJournalWithTheSameCodes) {
  for (const std::string method : {"gptq", "brecq", "distill"}) {
    const auto path = folder_ / (method + ".journal");
    std::vector<std::string> whole;
    std::size_t units = 0;
    {
      pipeline::Journal journal(path, "run");
      whole = texts(rounded(method, &journal));
      units = journal.size();
    }
    EXPECT_GT(units, 0U) << method;
    EXPECT_NE(whole, texts(nearest_)) << method;
    pipeline::Journal journal(path, "run");
    EXPECT_EQ(journal.resumed(), units) << method;
    EXPECT_EQ(texts(rounded(method, &journal)), whole) << method;
    EXPECT_EQ(journal.size(), units) << method << ": work was done again";
    journal.finish();
  }
}

}  // namespace
}  // namespace ompq::ptq
