#include "ompq/pipeline/file_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"

namespace ompq::pipeline {
namespace {

using allocation::kFloatBits;
using ::testing::ElementsAre;

FileMetadata sample() {
  return {.version = "1.2.3",
          .float_sha256 = "abc",
          .weight_bits = {3, kFloatBits, 8},
          .activation_bits = {8, 8, kFloatBits},
          .budget = "avg-bits=3.5"};
}

TEST(FileMetadata, ReadsBackAsItWasWritten) {
  const auto read = read_file_metadata(to_metadata(sample()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->float_sha256, "abc");
  EXPECT_THAT(read->weight_bits, ElementsAre(3, kFloatBits, 8));
  EXPECT_THAT(read->activation_bits, ElementsAre(8, 8, kFloatBits));
  EXPECT_EQ(read->budget, "avg-bits=3.5");
}

TEST(FileMetadata, TakesALetterALayerAndOneForActivationsThatAgree) {
  FileMetadata note = sample();
  EXPECT_EQ(to_metadata(note)["ompq.weight_bits"], "3f8");
  EXPECT_EQ(to_metadata(note)["ompq.activation_bits"], "88f");
  note.activation_bits = {4, 4, 4};
  EXPECT_EQ(to_metadata(note)["ompq.activation_bits"], "4");
  EXPECT_THAT(read_file_metadata(to_metadata(note))->activation_bits, ElementsAre(4, 4, 4));
}

TEST(FileMetadata, IsNoneWhereAnEntryIsMissingOrDoesNotRead) {
  for (const auto& [key, value] : to_metadata(sample())) {
    auto metadata = to_metadata(sample());
    metadata.erase(key);
    EXPECT_EQ(read_file_metadata(metadata).has_value(), key == kBudgetKey) << key;
  }
  auto metadata = to_metadata(sample());
  metadata["ompq.weight_bits"] = "3 9";
  EXPECT_FALSE(read_file_metadata(metadata));
  metadata["ompq.weight_bits"] = "33";
  EXPECT_FALSE(read_file_metadata(metadata)) << "three activations for two weights";
}

}  // namespace
}  // namespace ompq::pipeline
