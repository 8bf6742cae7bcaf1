#include "ompq/c_api/run.h"

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/commands/command_rows.h"
#include "ompq/core/error.h"

namespace ompq::c_api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What the command "probe" was called with.
commands::Context probed;

std::string probe(const commands::Context& context) {
  probed = context;
  for (const std::int64_t done : {1, 2, 3}) {
    context.progress({.task = "probing", .done = done, .total = 3, .detail = "layer"});
  }
  return "{\"probed\": true}";
}

constexpr std::array<OptionRecord, 2> kProbeOptions{
    {{.name = "data", .type = OptionType::Path, .value_name = "SRC", .text = "samples"},
     {.name = "eval-command", .type = OptionType::Text, .value_name = "COMMAND"}}};

/// A run of a command that takes samples and reports progress three times.
class RunTest : public ::testing::Test {
 private:
  commands::ScopedCommand added_{{.name = "probe",
                                  .summary = "probe",
                                  .description = "Probes.",
                                  .options = {kProbeOptions.begin(), kProbeOptions.end()}},
                                 {.name = "probe", .json = probe}};

 protected:
  RunTest() { run_.set_command("probe"); }

  int execute() {
    return run_.guarded([&] { run_.execute(); });
  }

  c_api::Run run_;
};

struct Seen {
  std::vector<std::int64_t> done;
  std::int64_t stop_at = -1;
};

int see(
    void* context, const char* task, std::int64_t done, std::int64_t total, const char* detail) {
  EXPECT_STREQ(task, "probing");
  EXPECT_STREQ(detail, "layer");
  EXPECT_EQ(total, 3);
  auto* seen = static_cast<Seen*>(context);
  seen->done.push_back(done);
  return done == seen->stop_at ? 1 : 0;
}

TEST_F(RunTest, RefusesUnknownCommandsAndKeepsTheFirstError) {
  c_api::Run run;
  EXPECT_EQ(run.guarded([&] { run.set_command("quantise"); }), OMPQ_CONFIG_ERROR);
  EXPECT_THAT(run.failure().message, HasSubstr("did you mean 'quantize'?"));
  EXPECT_EQ(run.guarded([&] { throw std::runtime_error("another"); }), OMPQ_CONFIG_ERROR);
  EXPECT_EQ(run.guarded([] {}), OMPQ_CONFIG_ERROR);
  EXPECT_EQ(run.result(), nullptr);
}

TEST_F(RunTest, ReturnsTheResultAndRecordsTheCall) {
  run_.set_call("probe(1)");
  EXPECT_EQ(run_.result(), nullptr);
  ASSERT_EQ(execute(), OMPQ_OK) << run_.failure().message;
  EXPECT_STREQ(run_.result(), "{\"probed\": true}");
  EXPECT_EQ(probed.provenance.command, "probe(1)");
  EXPECT_EQ(probed.provenance.versions.front().first, "ompq");
}

TEST_F(RunTest, ReportsProgressAndStopsIfAsked) {
  Seen seen;
  run_.set_progress(see, &seen);
  ASSERT_EQ(execute(), OMPQ_OK) << run_.failure().message;
  EXPECT_THAT(seen.done, ElementsAre(1, 2, 3));
  seen = {.stop_at = 2};
  EXPECT_EQ(execute(), OMPQ_INTERRUPTED);
  EXPECT_THAT(seen.done, ElementsAre(1, 2));
  EXPECT_EQ(run_.failure().message, "[probing] stopped by the caller");
  EXPECT_EQ(run_.result(), nullptr);
}

TEST_F(RunTest, IsCancelledAtTheNextReport) {
  run_.cancel();
  EXPECT_EQ(execute(), OMPQ_INTERRUPTED);
}

TEST_F(RunTest, CopiesArraysWhenItIsExecuted) {
  std::vector<std::uint8_t> pixels{1, 2, 3, 4};
  const std::vector<std::int64_t> labels{0, 1};
  const std::array<std::int64_t, 2> shape{2, 2};
  run_.add_array("data", "x", "uint8", shape, pixels.data());
  run_.add_array("data", "y", "int64", std::span(shape).first(1), labels.data());
  pixels[0] = 9;
  ASSERT_EQ(execute(), OMPQ_OK) << run_.failure().message;
  const data::NamedArrays& arrays = probed.arrays.at("data");
  EXPECT_THAT(arrays.at("x").data<std::uint8_t>(), ElementsAre(9, 2, 3, 4));
  EXPECT_THAT(arrays.at("y").data<std::int64_t>(), ElementsAre(0, 1));
  EXPECT_THAT(probed.options.text("data"), HasSubstr("x uint8 2x2, y int64 2"));
}

int judge_small(void*, const char* file, double* value) {
  *value = 0.25;
  return std::string_view(file) == "small.onnx" ? 0 : 1;
}

TEST_F(RunTest, LetsTheCallerJudgeFiles) {
  run_.set_evaluate(judge_small, nullptr);
  ASSERT_EQ(execute(), OMPQ_OK) << run_.failure().message;
  EXPECT_EQ(probed.judge("small.onnx"), 0.25);
  EXPECT_THROW((void)probed.judge("other.onnx"), Interrupted);
  c_api::Run other;
  other.set_command("finetune");
  EXPECT_THROW(other.set_evaluate(judge_small, nullptr), ConfigError);
}

TEST_F(RunTest, OfReportTakesResultsOnly) {
  c_api::Run report;
  report.set_command("report");
  EXPECT_THROW(report.set_options("{}"), ConfigError);
  EXPECT_THROW(run_.add_result("a.json", "{}"), ConfigError);
  report.add_result("a.json", "{}");
  EXPECT_EQ(report.guarded([&] { report.execute(); }), OMPQ_DATA_ERROR);
  EXPECT_EQ(report.failure().where, "a.json");
}

TEST_F(RunTest, RefusesArraysThatCannotBe) {
  const std::array<std::int64_t, 2> shape{2, 2};
  const std::array<std::int64_t, 2> negative{2, -1};
  const std::array<std::int64_t, 3> huge{INT64_MAX, INT64_MAX, 1};
  const std::vector<float> numbers(4);
  EXPECT_THROW(run_.add_array("data", "x", "complex128", shape, numbers.data()), DataError);
  EXPECT_THROW(run_.add_array("data", "x", "float32", negative, numbers.data()), ShapeError);
  EXPECT_THROW(run_.add_array("data", "x", "float32", huge, numbers.data()), ShapeError);
  EXPECT_THROW(run_.add_array("data", "x", "float32", shape, nullptr), InternalError);
  EXPECT_THROW(run_.add_array("datum", "x", "float32", shape, numbers.data()), ConfigError);
}

}  // namespace
}  // namespace ompq::c_api
