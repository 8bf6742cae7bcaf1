#include "ompq/search/fingerprint.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/small_model.h"
#include "support/paths.h"

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

TEST(Facts, OfSamplesDifferWhereTheirFilesWereReplaced) {
  const testing::TemporaryDirectory folder;
  std::filesystem::create_directories(folder / "images" / "cat");
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  write("x.npz", "abc");
  write("images/cat/1.png", "abc");
  const auto facts = [&](const std::string& source) {
    pipeline::Samples samples = pipeline::small_samples(4);
    samples.used.source = (folder / source).string();
    return facts_of(samples);
  };
  const auto later = [&](const std::string& name) {
    const auto file = folder / name;
    const auto before = std::filesystem::last_write_time(file);
    std::filesystem::last_write_time(file, before + std::chrono::seconds(1));
  };
  for (const auto& [source, file] :
       {std::pair("x.npz", "x.npz"), std::pair("images", "images/cat/1.png")}) {
    const Facts before = facts(source);
    EXPECT_EQ(facts(source), before) << source;
    write("images/out.onnx.journal", "what this run writes does not count");
    EXPECT_EQ(facts(source), before) << source;
    later(file);
    const Facts touched = facts(source);
    EXPECT_NE(touched, before) << source;
    write(file, "abcd");
    EXPECT_NE(facts(source), touched) << source;
  }
  const Facts before = facts("images");
  write("images/cat/2.png", "abc");
  EXPECT_NE(facts("images"), before);
}

TEST(Facts, OfTextsDifferInBytesThatAreNotUtf8) {
  EXPECT_NE(hash_of(Facts{"a\xff"}), hash_of(Facts{"a\xfe"}));
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
