#include "ompq/data/sample_set.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/sample_files.h"

namespace ompq::data {
namespace {

using ::testing::AllOf;
using testing::constant_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::thrown_text;

/// Sample i has the numbers 10 i, 10 i + 1, ...; sample 3 is broken.
class Counting : public InputSource {
 public:
  explicit Counting(std::vector<std::int64_t> extents) : extents_(std::move(extents)) {}
  [[nodiscard]] DataType type() const override { return DataType::Float32; }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override { return extents_; }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    if (index == 3) throw DataError("file 3", "is broken");
    for (std::size_t i = 0; i < out.size() / sizeof(float); ++i) {
      const auto value = static_cast<float>(10 * index + static_cast<std::int64_t>(i));
      std::memcpy(&out[i * sizeof(float)], &value, sizeof value);
    }
  }

 private:
  std::vector<std::int64_t> extents_;
};

/// Every sample is the number `value`.
class Same : public InputSource {
 public:
  explicit Same(std::int64_t value) : value_(value) {}
  [[nodiscard]] DataType type() const override { return DataType::Int64; }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override { return extents_; }
  void read(std::int64_t, std::span<std::byte> out) const override {
    std::memcpy(out.data(), &value_, sizeof value_);
  }

 private:
  std::int64_t value_;
  std::vector<std::int64_t> extents_;
};

/// Five samples of two numbers with labels 0, 10, 20, ...
SampleSetParts five_samples() {
  SampleSetParts parts;
  parts.inputs.push_back(std::make_unique<Counting>(std::vector<std::int64_t>{2}));
  parts.labels.values = {0, 10, 20, 30, 40};
  parts.size = 5;
  parts.name_of = [](std::int64_t index) { return "file " + std::to_string(index); };
  return parts;
}

TEST(SampleSet, LoadsSamplesInTheOrderAskedFor) {
  SampleSet samples(five_samples());
  EXPECT_EQ(samples.size(), 5);
  EXPECT_THAT(samples.extents(), ElementsAre(ElementsAre(2)));
  const Batch batch = samples.load({4, 0, 4});
  EXPECT_EQ(batch.size, 3);
  EXPECT_THAT(batch.inputs.at(0).shape(), ElementsAre(3, 2));
  EXPECT_THAT(batch.inputs[0].to_floats(), ElementsAre(40, 41, 0, 1, 40, 41));
  EXPECT_THAT(batch.labels, ElementsAre(40, 0, 40));
  EXPECT_EQ(samples.sample_name(2), "file 2");
}

TEST(SampleSet, NamesABrokenSampleAndTheWayOut) {
  SampleSet samples(five_samples());
  EXPECT_THAT(thrown_text([&] {
                (void)samples.load({0, 3});
              }),
              AllOf(HasSubstr("[file 3] is broken"), HasSubstr("--skip-broken")));
}

TEST(SampleSet, SkipsBrokenSamplesAndCountsEachOnce) {
  SampleSetParts parts = five_samples();
  parts.skip_broken = true;
  SampleSet samples(std::move(parts));
  for (int pass = 0; pass < 2; ++pass) {
    const Batch batch = samples.load({3, 4, 3});
    EXPECT_EQ(batch.size, 1);
    EXPECT_THAT(batch.inputs.at(0).to_floats(), ElementsAre(40, 41));
    EXPECT_THAT(batch.labels, ElementsAre(40));
    EXPECT_EQ(samples.skipped(), 1);
  }
}

TEST(SampleSet, RefusesASampleThatDoesNotExist) {
  SampleSetParts parts = five_samples();
  parts.skip_broken = true;
  SampleSet samples(std::move(parts));
  EXPECT_THAT(thrown_text([&] { (void)samples.load({5}); }),
              HasSubstr("sample 5 does not exist; there are 5"));
  EXPECT_THAT(thrown_text([&] { (void)samples.sample_name(-1); }),
              HasSubstr("sample -1 does not exist"));
}

TEST(SampleSet, PutsTheBatchWhereEachInputHasIt) {
  SampleSetParts parts = five_samples();
  parts.inputs.push_back(std::make_unique<Counting>(std::vector<std::int64_t>{2, 2}));
  parts.inputs.push_back(std::make_unique<Same>(16000));
  parts.batch_axes = {0, 1, std::nullopt};
  SampleSet samples(std::move(parts));
  const Batch batch = samples.load({1, 2, 0});
  EXPECT_THAT(batch.inputs.at(0).shape(), ElementsAre(3, 2));
  EXPECT_THAT(batch.inputs.at(1).shape(), ElementsAre(2, 3, 2));
  EXPECT_THAT(batch.inputs[1].to_floats(), ElementsAre(10, 11, 20, 21, 0, 1, 12, 13, 22, 23, 2, 3));
  EXPECT_EQ(batch.inputs.at(2).rank(), 0);
  EXPECT_THAT(batch.inputs[2].to_int64s(), ElementsAre(16000));
}

TEST(SampleSet, RefusesASharedInputThatDiffersBetweenSamples) {
  SampleSetParts parts = five_samples();
  parts.batch_axes = {std::nullopt};
  SampleSet samples(std::move(parts));
  EXPECT_THAT(samples.load({1}).inputs.at(0).to_floats(), ElementsAre(10, 11));
  EXPECT_THAT(thrown_text([&] { (void)samples.load({1, 2}); }), HasSubstr("--batch 1"));
}

TEST(SampleSet, RefusesLabelsThatAreNoClassAndOnlyRemarksOnOtherForms) {
  const SampleSet samples(five_samples());
  EXPECT_NO_THROW(samples.require_labels_below(41));
  EXPECT_THAT(thrown_text([&] { samples.require_labels_below(40); }),
              HasSubstr("label 40 of sample 4"));
  SampleSetParts bad = five_samples();
  bad.labels = {.fault = "the label of sample 3 is 0.5", .bad_number = true};
  EXPECT_THAT(thrown_text([&] { SampleSet(std::move(bad)).require_labels_below(40); }),
              HasSubstr("the label of sample 3 is 0.5"));
  SampleSetParts text = five_samples();
  text.labels = {.fault = "y is text"};
  text.remarks = {"two files were left out"};
  SampleSet unlabelled(std::move(text));
  EXPECT_NO_THROW(unlabelled.require_labels_below(1));
  EXPECT_FALSE(unlabelled.has_labels());
  EXPECT_THAT(unlabelled.remarks(),
              ElementsAre("two files were left out", HasSubstr("labels are not used: y is text")));
  EXPECT_THAT(unlabelled.load({0}).labels, IsEmpty());
}

/// Zeros, except for one element of sample 2.
template <typename T>
class OneOdd : public InputSource {
 public:
  OneOdd(DataType type, T value) : type_(type), value_(value) {}
  [[nodiscard]] DataType type() const override { return type_; }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override { return extents_; }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    std::ranges::fill(out, std::byte{0});
    if (index == 2) std::memcpy(&out[7 * sizeof(T)], &value_, sizeof(T));
  }

 private:
  DataType type_;
  T value_;
  std::vector<std::int64_t> extents_{2, 2, 3};
};

SampleSetParts with_odd(std::unique_ptr<InputSource> input) {
  SampleSetParts parts = five_samples();
  parts.inputs.clear();
  parts.inputs.push_back(std::move(input));
  return parts;
}

TEST(SampleSet, RefusesNanAndInfinityWithSampleAndElement) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<std::pair<SampleSetParts, std::string>> cases;
  cases.emplace_back(with_odd(std::make_unique<OneOdd<float>>(DataType::Float32, kNan)), "nan");
  cases.emplace_back(
      with_odd(std::make_unique<OneOdd<float>>(DataType::Float32, static_cast<float>(-kInfinity))),
      "-inf");
  cases.emplace_back(with_odd(std::make_unique<OneOdd<double>>(DataType::Float64, kInfinity)),
                     "inf");
  for (auto& [parts, value] : cases) {
    SampleSet samples(std::move(parts));
    EXPECT_EQ(samples.load({0, 1, 3}).size, 3);
    EXPECT_THAT(
        thrown_text([&] {
          (void)samples.load({1, 2});
        }),
        AllOf(HasSubstr("[file 2] element [1, 0, 1] is " + value), HasSubstr("--skip-broken")));
  }
  SampleSetParts parts = with_odd(std::make_unique<OneOdd<float>>(DataType::Float32, kNan));
  parts.skip_broken = true;
  SampleSet samples(std::move(parts));
  EXPECT_EQ(samples.load({1, 2, 3}).size, 2);
  EXPECT_EQ(samples.skipped(), 1);
  // Any bits of an integer are a number.
  SampleSet integers(
      with_odd(std::make_unique<OneOdd<std::int64_t>>(DataType::Int64, 0x7FF8000000000000)));
  EXPECT_EQ(integers.load({2}).size, 1);
}

/// Gray images of 2 x 2 pixels, all of the value 10 x index.
std::unique_ptr<InputSource> gray_input(DataType type, double scale) {
  return image_input(
      [](std::int64_t index) {
        return constant_image(2, 2, {static_cast<std::uint8_t>(10 * index)});
      },
      ImageTransform({.scale = scale}, {1, 2, 2}, "pixels"),
      type);
}

TEST(ImageInput, GivesPreprocessedPixelsInTheInputsType) {
  for (const DataType type : {DataType::Float32, DataType::UInt8, DataType::Float16}) {
    SampleSetParts parts;
    parts.inputs.push_back(gray_input(type, 1));
    parts.size = 3;
    SampleSet samples(std::move(parts));
    const Batch batch = samples.load({2, 1});
    EXPECT_EQ(batch.inputs.at(0).type(), type);
    EXPECT_THAT(batch.inputs[0].shape(), ElementsAre(2, 1, 2, 2));
    EXPECT_THAT(batch.inputs[0].to_floats(), ElementsAre(20, 20, 20, 20, 10, 10, 10, 10));
  }
}

TEST(ImageInput, RefusesScaledPixelsForAnInputOfIntegers) {
  EXPECT_THAT(thrown_text([] { (void)gray_input(DataType::UInt8, 0.5); }),
              AllOf(HasSubstr("[preprocessing] input \"pixels\" takes uint8"),
                    HasSubstr("give --scale 1 --mean 0 --std 1")));
}

TEST(ImageInput, ExposesTheImagesOfFloatInputsAlone) {
  SampleSetParts parts;
  parts.inputs.push_back(gray_input(DataType::Float32, 1));
  parts.labels.values = {5};
  parts.size = 1;
  parts.skip_broken = true;
  const SampleSet samples(std::move(parts));
  const auto access = samples.images();
  ASSERT_TRUE(access);
  EXPECT_EQ(access->read(1).pixels, constant_image(2, 2, {10}).pixels);
  EXPECT_THAT(access->labels, ElementsAre(5));
  EXPECT_TRUE(access->skip_broken);
  EXPECT_FALSE(gray_input(DataType::UInt8, 1)->images());
  EXPECT_FALSE(SampleSet(five_samples()).images());
}

}  // namespace
}  // namespace ompq::data
