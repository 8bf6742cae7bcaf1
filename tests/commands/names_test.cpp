#include "ompq/options/names.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "ompq/options/file_options.h"
#include "ompq/options/finetune_options.h"
#include "ompq/options/rounding_options.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/search/allocator_table.h"
#include "ompq/sensitivity/metric.h"
#include "ompq/targets/target_table.h"

namespace ompq::commands {
namespace {

/// "a|b|c" of rows.
std::string joined_names(const auto& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, "|"));
}

TEST(OptionNames, AreThoseOfTheTables) {
  EXPECT_EQ(options::kAllocatorNames, joined_names(search::allocator_table()));
  EXPECT_EQ(options::kMetricNames, joined_names(sensitivity::metrics()));
  EXPECT_EQ(options::kMethodNames, joined_names(ptq::method_table()));
  EXPECT_EQ(options::kFormatNames, joined_names(ptq::file_formats()));
  EXPECT_EQ(options::kTargetNames, joined_names(targets::target_table().rows()));
}

TEST(OptionNames, OfTrainingFormatsAreThoseWrittenAfterEpochs) {
  std::vector<std::string_view> names;
  for (const ptq::FormatRow& row : ptq::file_formats()) {
    if (row.after_epochs) names.push_back(row.name);
  }
  EXPECT_EQ(options::kTrainingFormatNames, fmt::format("{}", fmt::join(names, "|")));
}

TEST(OptionNames, EveryMetricWithASolverIsAnAllocator) {
  for (const sensitivity::Metric& metric : sensitivity::metrics()) {
    if (metric.solver.empty()) continue;
    EXPECT_EQ(search::allocator_row(metric.name).metric, metric.name);
    EXPECT_EQ(search::allocator_row(metric.name).solver, metric.solver);
  }
}

}  // namespace
}  // namespace ompq::commands
