#include "ompq/search/fingerprint.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

std::string compared_with(const std::function<void(CompareOptions&)>& change) {
  CompareOptions options;
  change(options);
  return fingerprint_of(
      pipeline::small_model(), pipeline::small_samples(8), pipeline::small_samples(8, 5), options);
}

TEST(CompareFingerprint, TellsEveryChangeOfAResultFromTheOthers) {
  const std::vector<std::function<void(CompareOptions&)>> changes{
      [](CompareOptions&) {},
      [](CompareOptions& o) { o.search.beta = 1.0000001; },
      [](CompareOptions& o) { o.search.request.seed = 1; },
      [](CompareOptions& o) {
        o.search.request.candidates = {2, 4, 8};
      },
      [](CompareOptions& o) { o.search.request.choices.pins["conv1"] = 8; },
      [](CompareOptions& o) { o.search.request.choices.excluded = {"conv1"}; },
      [](CompareOptions& o) { o.search.request.symmetry = quant::Symmetry::Symmetric; },
      [](CompareOptions& o) { o.search.executor.precision = runtime::Precision::BFloat16; },
      [](CompareOptions& o) { o.calibration.percentile = 99.0; },
      [](CompareOptions& o) { o.evaluation.batch_size = 32; },
      [](CompareOptions& o) { o.search.form.opset = 17; },
  };
  std::set<std::string> seen;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_TRUE(seen.insert(compared_with(changes[i])).second) << "change " << i;
  }
}

TEST(CompareFingerprint, LeavesOutThreadsJournalAndWhatNamesItsUnits) {
  const std::string plain = compared_with([](CompareOptions&) {});
  EXPECT_EQ(plain, compared_with([](CompareOptions& o) { o.search.executor.threads = 7; }));
  EXPECT_EQ(plain, compared_with([](CompareOptions& o) { o.journal = "elsewhere"; }));
  EXPECT_EQ(plain, compared_with([](CompareOptions& o) { o.budgets = {{.average_bits = 3}}; }));
  EXPECT_EQ(plain, compared_with([](CompareOptions& o) { o.random_allocations = 3; }));
}

TEST(Facts, OfTextsAreToldApartByTheirQuotes) {
  EXPECT_FALSE(hash_of(Facts{"a", "b"}) == hash_of(Facts{"a\",\"b"}));
  EXPECT_EQ(hash_of(Facts{"a", "b"}), hash_of(Facts{"a", "b"}));
  EXPECT_EQ(hash_of(Facts{std::string("\xff")}).size(), 64U) << "no UTF-8, and no exception";
}

TEST(Facts, OfANetworkHoldTheExtentsThatItWasReadWith) {
  pipeline::Model fixed = pipeline::small_model();
  graph::Value& input = fixed.graph.mutable_value(fixed.graph.inputs().front());
  input.shape->front() = graph::Dim::fixed(4);
  EXPECT_FALSE(facts_of(fixed) == facts_of(pipeline::small_model()));
}

}  // namespace
}  // namespace ompq::search
