#include "ompq/search/allocator_table.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/sensitivity/measurement.h"

namespace ompq::search {
namespace {

TEST(AllocatorRows, NameMetricsAndSolversThatThereAre) {
  std::set<std::string_view> names;
  for (const AllocatorRow& row : allocator_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_EQ(&allocator_row(row.name), &row);
    if (!row.metric.empty()) {
      EXPECT_EQ(sensitivity::metric(std::string(row.metric)).name, row.metric) << row.name;
    }
    EXPECT_EQ(row.solver.empty(), row.name == "auto") << row.name;
    if (!row.solver.empty()) {
      EXPECT_EQ(allocation::allocator(row.solver).name, row.solver) << row.name;
    }
  }
  EXPECT_EQ(allocator_table().front().name, "auto");
}

TEST(SchemeFor, GivesThePapersAllocatorsTheirOwnUnlessOneIsAsked) {
  using allocation::Scheme;
  EXPECT_EQ(scheme_for(allocator_row("orm"), Scheme::Free), Scheme::PaperPtq);
  EXPECT_EQ(scheme_for(allocator_row("orm"), Scheme::PaperQat), Scheme::PaperQat);
  EXPECT_EQ(scheme_for(allocator_row("output-mse"), Scheme::Free), Scheme::Free);
  EXPECT_EQ(scheme_for(allocator_row("output-mse"), Scheme::PaperPtq), Scheme::PaperPtq);
}

TEST(AllocatorTable, SaysWhichMetricsAreOfTheOutputs) {
  const std::vector<std::string> metrics = output_metrics();
  EXPECT_EQ(metrics, (std::vector<std::string>{"output-mse", "output-kl"}));
}

}  // namespace
}  // namespace ompq::search
