#include "ompq/ptq/quantization_plan.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/allocation_file.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/ptq/quantize.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    options_.search.allocator = "output-mse";
    options_.search.beside = {"uniform"};
    options_.search.request.budget.average_bits = 3.4;
  }
  Planned planned(pipeline::Journal* journal = nullptr, const ProgressHandler& progress = {}) {
    pipeline::Samples samples = pipeline::small_samples(16);
    return plan_widths(model_, samples, options_, journal, progress);
  }

  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = pipeline::small_model();
  QuantizeOptions options_;
};

TEST_F(PlanTest, HasTheChosenAllocatorFirst) {
  const Planned plan = planned();
  ASSERT_EQ(plan.plans.size(), 2U);
  EXPECT_EQ(plan.plans[0].allocator, "output-mse");
  EXPECT_EQ(plan.plans[1].allocator, "uniform");
  EXPECT_EQ(plan.budget, "avg-bits=3.4");
  EXPECT_EQ(file_form(options_, plan).budget, "avg-bits=3.4");
  EXPECT_LE(cost_of(model_, plan, plan.plans[0]).average_bits, 3.4);
}

TEST_F(PlanTest, ReadsWidthsFromAFileWithoutSearching) {
  write_file_atomically(folder_ / "bits.json", R"({"format": "ompq-allocation/1", "layers": [
    {"name": "conv1", "weight_bits": 8, "activation_bits": 8},
    {"name": "conv2", "weight_bits": 3, "activation_bits": 4},
    {"name": "conv3", "weight_bits": 3, "activation_bits": 8},
    {"name": "depthwise", "weight_bits": "float", "activation_bits": "float"},
    {"name": "fc", "weight_bits": 2, "activation_bits": 8}]})");
  options_.allocation_file = folder_ / "bits.json";
  int events = 0;
  const Planned plan = planned(nullptr, [&](const ProgressEvent&) { ++events; });
  EXPECT_EQ(events, 0);
  ASSERT_EQ(plan.plans.size(), 1U);
  EXPECT_EQ(plan.plans[0].allocator, "bits.json");
  EXPECT_THAT(plan.plans[0].weight_bits, ElementsAre(8, 3, 3, allocation::kFloatBits, 2));
  EXPECT_EQ(plan.activation_bits[1], 4);
  EXPECT_FALSE(plan.activation_bits[3]);
  EXPECT_EQ(plan.report.activation_bits, "4, 8, float");
  EXPECT_GT(plan.plans[0].bytes_promised, 0);
  options_.search.weights.target = "onnxruntime-avx2";  // conv1 has 8 bits
  EXPECT_THROW((void)planned(), ConfigError);
}

TEST_F(PlanTest, TakesTheSearchedWidthsFromTheJournal) {
  const auto path = folder_ / "journal";
  Planned searched;
  int events = 0;
  {
    pipeline::Journal journal(path, "run");
    searched = planned(&journal, [&](const ProgressEvent&) { ++events; });
  }
  EXPECT_GT(events, 0);
  pipeline::Journal journal(path, "run");
  events = 0;
  const Planned kept = planned(&journal, [&](const ProgressEvent&) { ++events; });
  EXPECT_EQ(events, 0);
  ASSERT_EQ(kept.plans.size(), searched.plans.size());
  for (std::size_t p = 0; p < kept.plans.size(); ++p) {
    EXPECT_EQ(kept.plans[p].allocator, searched.plans[p].allocator);
    EXPECT_EQ(kept.plans[p].weight_bits, searched.plans[p].weight_bits);
    EXPECT_EQ(kept.plans[p].bytes_promised, searched.plans[p].bytes_promised);
  }
  EXPECT_EQ(kept.activation_bits, searched.activation_bits);
  EXPECT_EQ(kept.budget, searched.budget);
}

TEST_F(PlanTest, TakesTheSizeThatALossNeedsFromTheJournal) {
  const auto path = folder_ / "journal";
  options_.search.request.budget = {};
  options_.search.max_loss = 100;
  for (std::int64_t i = 0; i < 32; ++i) options_.search.loss_samples.push_back(i % 16);
  Planned searched;
  {
    pipeline::Journal journal(path, "run");
    searched = planned(&journal);
  }
  ASSERT_TRUE(searched.found_bytes);
  EXPECT_EQ(searched.budget, fmt::format("size={}", *searched.found_bytes));
  int events = 0;
  const auto count = [&](const ProgressEvent&) { ++events; };
  {
    pipeline::Journal journal(path, "run");
    const Planned kept = planned(&journal, count);
    EXPECT_EQ(events, 0);
    EXPECT_EQ(kept.found_bytes, searched.found_bytes);
    EXPECT_EQ(kept.budget, searched.budget);
    EXPECT_EQ(kept.plans[0].weight_bits, searched.plans[0].weight_bits);
  }
  options_.search.max_loss.reset();
  options_.search.request.budget.average_bits = 8;
  pipeline::Journal journal(path, "run");
  EXPECT_FALSE(planned(&journal, count).found_bytes);
  EXPECT_GT(events, 0) << "without --max-loss, its size is not believed";
}

TEST_F(PlanTest, SearchesAgainWhereTheJournalsWidthsAreNotItsOwn) {
  const auto path = folder_ / "journal";
  Planned searched;
  {
    pipeline::Journal journal(path, "run");
    searched = planned(&journal);
  }
  const std::string kept = read_file(path);
  const std::string own = kept.substr(kept.find("\"weight_bits\":["));
  const std::string bits = own.substr(0, own.find(']') + 1);
  const std::vector<std::pair<std::string, std::string>> changes{
      {bits, "\"weight_bits\":[8,8,8,8,8]"},
      {bits, "\"weight_bits\":[1,1,1,1]"},
      {bits, "\"weight_bits\":[1,1,1,1,1,1]"},
      {bits, "\"weight_bits\":[]"},
      {bits, "\"weight_bits\":null"},
      {bits, "\"weight_bits\":[3,3,3,3,\"3\"]"},
      {bits, "\"weight_bits\":[3,3,3,3,31]"},
      {bits, "\"weight_bits\":[3,3,3,3,4294967299]"},
      {"\"activation_bits\":[", "\"activation_bits\":[8,"},
      {"\"activation_bits\":[8", "\"activation_bits\":[2"},
      {"\"plans\":[", "\"plans\":[],\"old\":["},
      {"\"allocator\":\"output-mse\"", "\"allocator\":\"uniform\""},
      {"\"allocator\":\"output-mse\"", "\"allocator\":\"none such\""},
      {"\"bytes_promised\":", "\"bytes_promised\":1,\"old\":"},
      {"\"value\":", "\"value\":null,\"old\":"},
      {"\"value\":",
       "\"value\":" + std::string(50'000, '[') + std::string(50'000, ']') + ",\"o\":"}};
  for (const auto& [from, to] : changes) {
    SCOPED_TRACE(to.substr(0, 60));
    std::string forged = kept;
    ASSERT_NE(forged.find(from), std::string::npos) << from << " in " << kept;
    forged.replace(forged.find(from), from.size(), to);
    write_file_atomically(path, forged);
    pipeline::Journal journal(path, "run");
    int events = 0;
    const Planned again = planned(&journal, [&](const ProgressEvent&) { ++events; });
    EXPECT_GT(events, 0) << "it was searched";
    ASSERT_EQ(again.plans.size(), searched.plans.size());
    EXPECT_EQ(again.plans[0].weight_bits, searched.plans[0].weight_bits);
    EXPECT_EQ(read_file(path), kept) << "and is in the journal again";
  }
}

TEST_F(PlanTest, RefusesAnAllocationOfAnotherNetwork) {
  write_file_atomically(folder_ / "bits.json", R"({"format": "ompq-allocation/1",
    "model": {"file": "theirs.onnx", "sha256": "abc"}, "layers": []})");
  options_.allocation_file = folder_ / "bits.json";
  try {
    (void)planned();
    FAIL() << "it was used";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::HasSubstr("theirs.onnx"),
                                 ::testing::HasSubstr("small.onnx"),
                                 ::testing::HasSubstr("bits.json")));
  }
}

TEST_F(PlanTest, ReadsTheAllocationBeforeAnyWork) {
  pipeline::Samples samples = pipeline::small_samples(16);
  pipeline::Samples evaluation = pipeline::small_samples(16);
  options_.output = folder_ / "small.onnx";
  options_.allocation_file = folder_ / "bits.json";
  int events = 0;
  const auto run = [&] {
    return quantize(model_, samples, evaluation, options_, [&](const ProgressEvent&) { ++events; });
  };
  EXPECT_THROW((void)run(), FileError);  // it does not exist
  for (const char* content : {"[]", R"({"format": "ompq-allocation/1", "layers": []})"}) {
    write_file_atomically(folder_ / "bits.json", content);
    EXPECT_THROW((void)run(), DataError) << content;
  }
  EXPECT_EQ(events, 0);
}

/// Of 64 samples, 8 of them to calibrate with.
pipeline::Samples eight_of_64() {
  pipeline::Samples samples = pipeline::small_samples(64);
  samples.indices = {0, 8, 16, 24, 32, 40, 48, 56};
  return samples;
}

TEST(TuningSamples, AddToTheCalibrationWhatTheEvaluationLeaves) {
  const pipeline::Samples samples = eight_of_64();
  pipeline::Samples evaluation = eight_of_64();
  evaluation.indices = {1, 2, 3, 4, 5, 6, 7};
  QuantizeOptions options;
  options.tuning_samples = 30;
  const auto chosen = tuning_samples(samples, evaluation, options);
  EXPECT_EQ(chosen.size(), 30U);
  EXPECT_TRUE(std::ranges::is_sorted(chosen));
  EXPECT_THAT(chosen, IsSupersetOf(samples.indices));
  for (const std::int64_t index : evaluation.indices) {
    EXPECT_FALSE(std::ranges::count(chosen, index)) << index;
  }
  options.tuning_samples = 64;
  EXPECT_EQ(tuning_samples(samples, evaluation, options).size(), 57U) << "as many as there are";
  evaluation.used.source = "elsewhere";
  EXPECT_EQ(tuning_samples(samples, evaluation, options).size(), 64U);
}

TEST(TuningSamples, AreFewerThanTheCalibrationWhereFewAreWanted) {
  const pipeline::Samples samples = eight_of_64();
  QuantizeOptions options;
  options.tuning_samples = 3;
  const auto chosen = tuning_samples(samples, eight_of_64(), options);
  EXPECT_EQ(chosen.size(), 3U);
  EXPECT_THAT(samples.indices, IsSupersetOf(chosen));
}

TEST(TuningSamples, AreFromAllPartsOfTheSource) {
  pipeline::Samples samples = pipeline::small_samples(1024);
  samples.indices = {0};
  QuantizeOptions options;
  options.tuning_samples = 129;
  std::set<std::int64_t> parts;  // as if there were folders of 64 samples
  for (const std::int64_t index : tuning_samples(samples, samples, options)) {
    parts.insert(index / 64);
  }
  EXPECT_GE(parts.size(), 14U);
}

}  // namespace
}  // namespace ompq::ptq
