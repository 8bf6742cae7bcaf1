#include "ompq/report/csv.h"

#include <gtest/gtest.h>

namespace ompq::report {
namespace {

TEST(ComparisonCsv, HasOneLinePerRow) {
  Comparison comparison;
  comparison.rows.push_back(
      {.budget = "3.00 bits a weight",
       .allocator = "auto",
       .weight_bits = {8, 3, 32},
       .average_bits = 2.9999999,
       .bytes = 123456,
       .gbops = 0.8251234,
       .seconds = 5.0625,
       .evaluation = {.samples = 256, .agreement = 0.9375, .divergence = 0.02}});
  EXPECT_EQ(to_csv(comparison),
            "budget,allocator,top1,agreement,divergence,samples,bytes,average_bits,gbops,seconds,"
            "weight_bits,refused\n"
            "3.00 bits a weight,auto,,0.9375,0.02,256,123456,3,0.825123,5.062,8 3 32,\n");
}

TEST(ComparisonCsv, QuotesWhatWouldEndAField) {
  Comparison comparison;
  comparison.rows.push_back(
      {.budget = "1 MiB, 3 bits", .allocator = "orm", .refused = "layer \"a\"\nhas none"});
  EXPECT_EQ(to_csv(comparison).substr(to_csv(comparison).find('\n') + 1),
            "\"1 MiB, 3 bits\",orm,,,,0,0,0,0,0.000,,\"layer \"\"a\"\"\nhas none\"\n");
}

TEST(SweepCsv, MarksTheKnee) {
  Sweep sweep;
  sweep.points.push_back({.weight_bits = {2, 2}, .average_bits = 2, .bytes = 100, .divergence = 1});
  sweep.points.push_back({.weight_bits = {4, 3},
                          .average_bits = 3.5,
                          .bytes = 180,
                          .gbops = 0.5,
                          .predicted_loss = 0.125,
                          .gap = 0.00123456,
                          .divergence = 0.25,
                          .quality = 41.5});
  sweep.knee = 1;
  EXPECT_EQ(to_csv(sweep),
            "bytes,average_bits,gbops,divergence,quality,predicted_loss,gap,knee,weight_bits\n"
            "100,2,0,1,,0,0,0,2 2\n"
            "180,3.5,0.5,0.25,41.5,0.125,0.00123,1,4 3\n");
}
}  // namespace
}  // namespace ompq::report
