#include "ompq/data/labels.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/peak_memory.h"
#include "support/sanitizers.h"

namespace ompq::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LabelsOf, WholeNumbersOfAnyTypeAreClasses) {
  const Tensor integers = Tensor::from<std::int64_t>({3}, {2, 0, 1});
  for (const DataType type : {DataType::Int64,
                              DataType::UInt8,
                              DataType::Int32,
                              DataType::Float32,
                              DataType::Float64,
                              DataType::Float16}) {
    const Labels labels = labels_of(integers.converted_to(type), 3, "array y");
    EXPECT_THAT(labels.values, ElementsAre(2, 0, 1)) << name_of(type);
    EXPECT_EQ(labels.fault, "") << name_of(type);
  }
  EXPECT_THAT(labels_of(integers.reshaped({3, 1}), 3, "array y").values, ElementsAre(2, 0, 1));
}

TEST(LabelsOf, OneHotRowsAreThePlacesOfTheirOnes) {
  const Tensor rows = Tensor::from<float>({2, 3}, {0, 0, 1, 1, 0, 0});
  for (const DataType type :
       {DataType::Float32, DataType::Int64, DataType::UInt8, DataType::Bool}) {
    EXPECT_THAT(labels_of(rows.converted_to(type), 2, "array y").values, ElementsAre(2, 0))
        << name_of(type);
  }
}

TEST(LabelsOf, TakeLittleMemoryBesidesTheArray) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  Tensor rows(DataType::UInt8, {64, 1 << 20});
  for (std::size_t i = 0; i < 64; ++i) rows.mutable_bytes()[(i << 20) + i] = std::byte{1};
  Labels labels;
  const std::int64_t peak =
      ::ompq::testing::peak_growth([&] { labels = labels_of(rows, 64, "array y"); });
  ASSERT_EQ(labels.values.size(), 64U);
  EXPECT_EQ(labels.values.back(), 63);
  EXPECT_LT(peak, std::int64_t{100} << 20);
}

TEST(LabelsOf, SaysWhatIsNoClass) {
  const auto fault = [](const Tensor& array, std::int64_t samples) {
    const Labels labels = labels_of(array, samples, "array y of a.npz");
    EXPECT_THAT(labels.values, IsEmpty());
    return labels.fault;
  };
  EXPECT_THAT(fault(Tensor::from<float>({2}, {1, 0.5F}), 2),
              AllOf(HasSubstr("array y of a.npz is float32 2"), HasSubstr("sample 1 is 0.5")));
  EXPECT_THAT(fault(Tensor::from<float>({1, 2}, {0.25F, 0.75F}), 1),
              HasSubstr("row 0 is not one-hot"));
  EXPECT_THAT(fault(Tensor::from<float>({1, 2}, {1, 1}), 1), HasSubstr("not one-hot"));
  EXPECT_THAT(fault(Tensor(DataType::Float32, {2, 3}), 2), HasSubstr("not one-hot"));
  EXPECT_THAT(fault(Tensor(DataType::Int64, {3}), 2), HasSubstr("each of the 2 samples"));
  EXPECT_THAT(fault(Tensor::scalar(std::int64_t{1}), 1), HasSubstr("each of the 1 samples"));
  EXPECT_THAT(fault(Tensor(DataType::Int64, {2, 2, 2}), 2), HasSubstr("more than one class"));
}

TEST(LabelsOf, NumbersThatAreNoClassAreBadWithTheirSample) {
  const std::vector<std::pair<Tensor, std::string>> cases{
      {Tensor::from<std::int64_t>({2}, {0, (std::int64_t{1} << 32) + 1}), "sample 1 is 4294967297"},
      {Tensor::from<std::uint64_t>({2}, {0, std::uint64_t{1} << 32}), "sample 1 is 4294967296"},
      {Tensor::from<std::uint64_t>({1}, {~std::uint64_t{0}}), "sample 0 is 1.8446744073709552e+19"},
      {Tensor::from<std::int64_t>({3}, {0, -1, 2}), "sample 1 is -1"},
      {Tensor::from<std::int8_t>({1}, {-128}), "sample 0 is -128"},
      {Tensor::from<std::uint32_t>({1}, {2147483648U}), "sample 0 is 2147483648"},
      {Tensor::from<float>({2}, {0, 0.5F}), "sample 1 is 0.5"},
      {Tensor::from<double>({1}, {1e300}), "sample 0 is 1e+300"},
      {Tensor::from<float>({1}, {std::numeric_limits<float>::quiet_NaN()}), "sample 0 is nan"},
      {Tensor::from<float>({1}, {-std::numeric_limits<float>::infinity()}), "sample 0 is -inf"}};
  for (const auto& [array, expected] : cases) {
    const Labels labels = labels_of(array, array.shape()[0], "array y");
    EXPECT_TRUE(labels.bad_number) << expected;
    EXPECT_THAT(labels.values, IsEmpty()) << expected;
    EXPECT_THAT(labels.fault, AllOf(HasSubstr(expected), HasSubstr("0..2147483647")));
  }
  EXPECT_FALSE(labels_of(Tensor(DataType::Int64, {3}), 2, "y").bad_number) << "another form";
  EXPECT_THAT(labels_of(Tensor::from<std::int64_t>({1}, {2147483647}), 1, "y").values,
              ElementsAre(2147483647));
}

TEST(LabelOf, IsADecimalClassIndex) {
  EXPECT_EQ(label_of("0"), 0);
  EXPECT_EQ(label_of("2147483647"), 2147483647);
  for (const char* text : {"", "-1", "2147483648", "1.0", "1e2", "cat", "1 ", "0x1", "nan"}) {
    EXPECT_FALSE(label_of(text)) << text;
  }
}

TEST(IsNumber, KnowsNumbersThatAreNoClass) {
  for (const char* text : {"-1", "+3", "0.5", "1e999", "nan", "-inf", "4294967297"}) {
    EXPECT_TRUE(is_number(text)) << text;
  }
  for (const char* text : {"", "cat", "1 2", "3rd", "-", "+"})
    EXPECT_FALSE(is_number(text)) << text;
}

TEST(LabelsOf, TextCountsWhereItIsNumbers) {
  const std::vector<std::string> numbers{"3", "12"};
  EXPECT_THAT(labels_of(numbers, 2, "y").values, ElementsAre(3, 12));
  const std::vector<std::string> names{"3", "cat"};
  EXPECT_THAT(labels_of(names, 2, "y").fault,
              AllOf(HasSubstr("\"cat\""), HasSubstr("an output of the network")));
  EXPECT_THAT(labels_of(numbers, 3, "y").fault, HasSubstr("2 texts for 3 samples"));
  EXPECT_FALSE(labels_of(names, 2, "y").bad_number);
  for (const std::string bad : {"-1", "4294967297", "0.5", "nan"}) {
    const std::vector<std::string> texts{"3", bad};
    const Labels labels = labels_of(texts, 2, "y");
    EXPECT_TRUE(labels.bad_number) << bad;
    EXPECT_THAT(labels.fault, HasSubstr("sample 1 the label " + bad));
  }
}

}  // namespace
}  // namespace ompq::data
