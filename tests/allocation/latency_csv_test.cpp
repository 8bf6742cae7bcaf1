#include "ompq/allocation/latency_csv.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/allocators.h"
#include "ompq/allocation/request.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHeader = "layer,weight_bits,activation_bits,microseconds\n";

AllocationRequest two_layers() {
  AllocationRequest request;
  request.layers.resize(2);
  request.layers[0].name = "conv, \"first\"";
  request.layers[1].name = "fc";
  for (LayerCost& layer : request.layers) layer.weight_count = 100;
  request.candidates = {4, 8};
  request.loss.assign(2, {1.0, 0.5});
  return request;
}

std::string table_message_for(const std::string& csv) {
  try {
    (void)parse_latency_table(csv, two_layers().layers);
  } catch (const DataError& error) {
    return error.what();
  }
  return "it was accepted";
}

TEST(LatencyTable, ReadsWidthsTimesAndQuotedNames) {
  const LatencyTable table = parse_latency_table(
      kHeader + "\"conv, \"\"first\"\"\",4,8,1.5\r\n\nfc , float, float , 2e3\n",
      two_layers().layers);
  EXPECT_EQ(table.nanoseconds(0, 4, 8), 1500);
  EXPECT_EQ(table.nanoseconds(1, kFloatBits, kFloatBits), 2000000);
  EXPECT_EQ(table.nanoseconds(0, 8, 8), std::nullopt);
  EXPECT_EQ(table.nanoseconds(7, 8, 8), std::nullopt);
}

TEST(LatencyTable, ListsEverythingThatIsWrongWithItsLine) {
  EXPECT_THAT(
      table_message_for(kHeader + "fd,4,8,1\nfc,9,8,1\nfc,4,x,1\nfc,4,8,-1\nfc,4,8,nan\n"
                                  "fc,4,8,inf\nfc,4,8\nfc,4,8,1\nfc,4,8,2\n\"fc,4,8,1\n"),
      AllOf(HasSubstr("9 errors"),
            HasSubstr("line 2: unknown layer 'fd'; did you mean 'fc'?"),
            HasSubstr("line 3: '9' is not a width; it must be 1..8 or float"),
            HasSubstr("line 4: 'x' is not a width"),
            HasSubstr("line 5: '-1' is not a time in microseconds"),
            HasSubstr("line 6: 'nan'"),
            HasSubstr("line 7: 'inf'"),
            HasSubstr("line 8: 3 fields; there must be 4"),
            HasSubstr("line 10: layer 'fc' with weights 4 and activations 8 is listed twice"),
            HasSubstr("line 11: a quotation mark is not closed"),
            Not(HasSubstr("line 9"))));
  EXPECT_THAT(table_message_for("layer;weight_bits\n"), HasSubstr("line 1 is 'layer;weight_bits'"));
  EXPECT_THAT(table_message_for("\n\n"), HasSubstr("it is empty"));
}

TEST(LatencyTable, NamesItsFile) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "times.csv", std::string_view("nonsense"));
  try {
    (void)read_latency_table(folder / "times.csv", two_layers().layers);
    FAIL() << "nonsense was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("times.csv] line 1 is 'nonsense'"));
  }
  EXPECT_THROW((void)read_latency_table(folder / "none.csv", {}), FileError);
}

TEST(LatencyTable, MustHoldWhatMayBeChosen) {
  AllocationRequest request = two_layers();
  request.activations = {{"tensor", 10, {4, 8}}};
  request.layers[1].activation = 0;
  request.activation_loss = {{1.0, 0.5}};
  request.budget.latency_us = 10;
  EXPECT_THROW((void)allocator("integer").allocate(request), ConfigError) << "there is no table";
  request.latency = parse_latency_table(kHeader + "fc,4,4,1\nfc,8,4,2\nfc,4,8,2\n", request.layers);
  try {
    (void)allocator("integer").allocate(request);
    FAIL() << "three times are missing";
  } catch (const DataError& error) {
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr("3 errors"),
              HasSubstr("layer 'fc' with weights 8 and activations 8 is missing"),
              HasSubstr("layer 'conv, \"first\"' with weights 4 and activations 8 is missing")));
  }
}

TEST(LatencyTable, ComesBackThroughItsTemplate) {
  AllocationRequest request = two_layers();
  request.layer_candidates = {{kFloatBits}, {}};
  EXPECT_EQ(latency_template(request),
            kHeader + "\"conv, \"\"first\"\"\",float,float,\nfc,4,8,\nfc,8,8,\n");
  request.latency = parse_latency_table(
      kHeader + "\"conv, \"\"first\"\"\",float,float,3\nfc,4,8,1.25\nfc,8,8,2\n", request.layers);
  const std::string filled = latency_template(request);
  const LatencyTable again = parse_latency_table(filled, request.layers);
  EXPECT_EQ(again.nanoseconds(1, 4, 8), 1250);
  request.budget.latency_us = 4.5;
  const Allocation got = allocator("integer").allocate(request);
  EXPECT_EQ(got.weight_bits, (std::vector<int>{kFloatBits, 4})) << "8 bits would take 5 us";
  EXPECT_DOUBLE_EQ(*got.cost.latency_us, 4.25);
}

TEST(LatencyTable, KeepsARowOnOneLineWhateverTheNameHolds) {
  AllocationRequest request = two_layers();
  request.layers[0].name = "conv\nfc,4,8,1\r\x1b[31m";
  const std::string empty = latency_template(request);
  EXPECT_EQ(std::ranges::count(empty, '\n'), 5) << empty;
  EXPECT_THAT(empty, AllOf(Not(HasSubstr("\r")), Not(HasSubstr("\x1b"))));
  request.latency.layers = {{{4, 8, 1000}, {8, 8, 2000}}, {{4, 8, 3000}, {8, 8, 4000}}};
  const LatencyTable again = parse_latency_table(latency_template(request), request.layers);
  EXPECT_EQ(again.nanoseconds(0, 4, 8), 1000);
  EXPECT_EQ(again.nanoseconds(0, 8, 8), 2000);
  EXPECT_EQ(again.nanoseconds(1, 4, 8), 3000);
}

}  // namespace
}  // namespace ompq::allocation
