#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/data/dataset.h"
#include "ompq/data/npy.h"
#include "ompq/data/npz.h"
#include "ompq/data/zip.h"
#include "support/paths.h"

// Samples out of arrays; dataset_test.cpp has images.

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::first_values;
using ::testing::HasSubstr;
using testing::kGray;
using testing::kRawOptions;
using testing::kRgb;
using testing::open_error;
using testing::thrown_text;
using testing::write_bytes;

class NpzFile : public ::testing::Test {
 protected:
  std::unique_ptr<Dataset> open(const NamedArrays& arrays,
                                const std::vector<InputSpec>& inputs,
                                const DatasetOptions& options = kRawOptions) {
    write_npz(root_ / "a.npz", arrays);
    return open_dataset(root_ / "a.npz", inputs, options);
  }
  TemporaryDirectory root_;
};

TEST_F(NpzFile, PixelsArePreprocessedInEitherLayout) {
  const std::vector<InputSpec> spec{{"input", {3, 1, 2}}};
  const DatasetOptions halved{.preprocess = {.scale = 0.5}};
  const auto last =
      open({{"x", Tensor::from<std::uint8_t>({1, 1, 2, 3}, {2, 4, 6, 8, 10, 12})}}, spec, halved);
  EXPECT_THAT(last->load({0}).inputs[0].data<float>(), ElementsAre(1, 4, 2, 5, 3, 6));
  const std::vector<InputSpec> wide{{"input", {3, 2, 2}}};
  const auto first = open(
      {{"x", Tensor::from<std::uint8_t>({1, 3, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})}},
      wide);
  EXPECT_THAT(first->load({0}).inputs[0].data<float>(),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST_F(NpzFile, FloatsAreTakenAsTheyAreInEitherLayout) {
  const std::vector<InputSpec> spec{{"input", {3, 2, 2}}};
  std::vector<float> values(24);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 4;
  const auto first = open({{"x", Tensor::from<float>({2, 3, 2, 2}, values)}}, spec);
  EXPECT_THAT(first->load({0, 1}).inputs[0].to_floats(), ::testing::ContainerEq(values));
  // Channels last: element (h, w, c) of sample 0 is value (2h + w) * 3 + c.
  const auto last = open({{"x", Tensor::from<float>({2, 2, 2, 3}, values)}}, spec);
  const auto planes = last->load({0}).inputs[0].to_floats();
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(planes[c * 4 + i], values[i * 3 + c]);
  }
  const auto to_last =
      open({{"x", Tensor::from<float>({2, 3, 2, 2}, values)}}, {{"input", {2, 2, 3}}});
  const auto pixels = to_last->load({0}).inputs[0].to_floats();
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(pixels[i * 3 + c], values[c * 4 + i]);
  }
}

TEST_F(NpzFile, OpenExtentsTakeTheArraysOwn) {
  const auto dataset =
      open({{"x", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})}}, {{"tokens", {-1}}});
  EXPECT_THAT(dataset->load({1}).inputs[0].shape(), ElementsAre(1, 3));
  const auto pixels = open({{"x", Tensor(DataType::UInt8, {2, 5, 7})}}, {{"input", {1, -1, -1}}});
  EXPECT_THAT(pixels->load({0, 1}).inputs[0].shape(), ElementsAre(2, 1, 5, 7));
}

TEST_F(NpzFile, LabelsAreClassesOrNoReasonToRefuse) {
  const Tensor x = Tensor(DataType::UInt8, {2, 2, 2});
  const auto dataset = open({{"x", x}, {"y", Tensor::from<std::int64_t>({2, 1}, {7, 3})}}, kGray);
  EXPECT_THAT(dataset->load({1, 0}).labels, ElementsAre(3, 7));
  for (const Tensor& y : {Tensor(DataType::Int64, {3}), Tensor::from<float>({2}, {0.5F, 1.F})}) {
    const auto unlabelled = open({{"x", x}, {"y", y}}, kGray);
    EXPECT_FALSE(unlabelled->has_labels());
    EXPECT_THAT(unlabelled->label_fault(), HasSubstr("array y is"));
    EXPECT_THAT(unlabelled->remarks(), ElementsAre(HasSubstr("labels are not used: ")));
    EXPECT_EQ(unlabelled->load({0, 1}).size, 2);
  }
}

TEST_F(NpzFile, LabelsMayBeCalledSo) {
  const Tensor labels = Tensor::from<float>({2}, {7.F, 3.F});
  const auto dataset = open({{"x", Tensor(DataType::UInt8, {2, 2, 2})}, {"labels", labels}}, kGray);
  EXPECT_THAT(dataset->load({1, 0}).labels, ElementsAre(3, 7));
}

TEST_F(NpzFile, LabelsOutsideOfTheClassesAreRefused) {
  const auto dataset = open(
      {{"x", Tensor(DataType::UInt8, {2, 2, 2})}, {"y", Tensor::from<std::int64_t>({2}, {7, 3})}},
      kGray);
  EXPECT_NO_THROW(dataset->require_labels_below(8));
  EXPECT_THAT(testing::thrown_text([&] { dataset->require_labels_below(7); }),
              HasSubstr("label 7 of sample 0"));
}

TEST_F(NpzFile, TextAndDamagedLabelsAreNotUsed) {
  const std::string x = to_npy(Tensor(DataType::UInt8, {2, 2, 2}));
  const std::string text(
      "\x93NUMPY\x01\x00\x3d\x00"
      "{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }   \n",
      71);
  write_bytes(root_ / "a.npz", zip_stored({{"x.npy", x}, {"y.npy", text + "catdog"}}));
  const auto names = open_dataset(root_ / "a.npz", kGray, kRawOptions);
  EXPECT_FALSE(names->has_labels());
  EXPECT_THAT(names->label_fault(), HasSubstr("holds text (\"cat\")"));
  write_bytes(root_ / "a.npz",
              zip_stored({{"x.npy", x},
                          {"y.npy",
                           text + std::string("4\0\0"
                                              "12\0",
                                              6)}}));
  EXPECT_THAT(open_dataset(root_ / "a.npz", kGray, kRawOptions)->load({0, 1}).labels,
              ElementsAre(4, 12));
  write_bytes(root_ / "a.npz", zip_stored({{"x.npy", x}, {"y.npy", "garbage"}}));
  EXPECT_THAT(open_dataset(root_ / "a.npz", kGray, kRawOptions)->label_fault(),
              HasSubstr("is not a NumPy array"));
}

TEST_F(NpzFile, NumbersAreGivenInTheTypeOfTheInput) {
  const auto values = [&](const Tensor& x, DataType type) {
    const auto dataset = open({{"x", x}}, {{"input", {2}, type}});
    const Batch batch = dataset->load({0});
    EXPECT_EQ(batch.inputs[0].type(), type);
    return batch.inputs[0].to_floats();
  };
  const Tensor integers = Tensor::from<std::int64_t>({1, 2}, {-3, 200});
  EXPECT_THAT(values(integers, DataType::Float32), ElementsAre(-3, 200));
  EXPECT_THAT(values(integers, DataType::Int32), ElementsAre(-3, 200));
  const Tensor doubles = Tensor::from<double>({1, 2}, {0.5, 1e10});
  EXPECT_THAT(values(doubles, DataType::Float32), ElementsAre(0.5F, 1e10F));
  const Tensor bytes = Tensor::from<std::uint8_t>({1, 2}, {1, 255});
  EXPECT_THAT(values(bytes, DataType::Float32), ElementsAre(1, 255)) << "a table is no picture";
  EXPECT_THAT(values(bytes, DataType::UInt8), ElementsAre(1, 255));
  const Tensor mask = Tensor::from<std::int64_t>({1, 2}, {1, 0});
  EXPECT_THAT(values(mask, DataType::Bool), ElementsAre(1, 0));
}

TEST_F(NpzFile, ANumberThatTheInputCannotHoldIsNamed) {
  const auto error_with = [&](const Tensor& x, DataType type) {
    return thrown_text([&] { (void)open({{"x", x}}, {{"ids", {2}, type}})->load({0}); });
  };
  EXPECT_THAT(error_with(Tensor::from<std::int64_t>({1, 2}, {1, 300}), DataType::UInt8),
              AllOf(HasSubstr("array x, sample 0"),
                    HasSubstr("input \"ids\" takes uint8"),
                    HasSubstr("cannot hold 300")));
  EXPECT_THAT(error_with(Tensor::from<float>({1, 2}, {1, 0.5F}), DataType::Int64),
              HasSubstr("cannot hold 0.5"));
  EXPECT_THAT(error_with(Tensor::from<float>({1, 2}, {1, 1e30F}), DataType::Int64),
              HasSubstr("e+30"));
  EXPECT_THAT(error_with(Tensor::from<std::int64_t>({1, 2}, {1, 2}), DataType::Bool),
              HasSubstr("cannot hold 2"));
}

TEST_F(NpzFile, BytesOfOtherShapesAreNumbersUnlessPreprocessingIsSaid) {
  const Tensor x = Tensor::from<std::uint8_t>({1, 4, 1, 2}, {0, 2, 4, 6, 8, 10, 12, 14});
  const std::vector<InputSpec> spec{{"input", {4, 1, 2}}};
  EXPECT_THAT(open({{"x", x}}, spec)->load({0}).inputs[0].to_floats(),
              ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
  DatasetOptions halved{.preprocess = {.scale = 0.5, .mean = {0, 1, 2, 3}},
                        .preprocess_given = true,
                        .scale_given = true};
  EXPECT_THAT(open({{"x", x}}, spec, halved)->load({0}).inputs[0].to_floats(),
              ElementsAre(0, 1, 1, 2, 2, 3, 3, 4));
  halved.preprocess.mean = {};
  const Tensor table = Tensor::from<std::uint8_t>({2, 3}, {2, 4, 6, 8, 10, 12});
  EXPECT_THAT(open({{"x", table}}, {{"input", {3}}}, halved)->load({1}).inputs[0].to_floats(),
              ElementsAre(4, 5, 6));
}

TEST_F(NpzFile, ACropAloneScalesNoBytesThatAreNoPicture) {
  std::vector<std::uint8_t> values(64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i);
  const Tensor x = Tensor::from<std::uint8_t>({1, 4, 4, 4}, values);
  const DatasetOptions cropped{.preprocess = {.crop = 2}, .preprocess_given = true};
  const auto dataset = open({{"x", x}}, {{"input", {4, 2, 2}}}, cropped);
  EXPECT_THAT(dataset->load({0}).inputs[0].to_floats(),
              ElementsAre(5, 6, 9, 10, 21, 22, 25, 26, 37, 38, 41, 42, 53, 54, 57, 58));
}

TEST_F(NpzFile, AlphaIsDroppedWhereTheNetworkTakesColours) {
  const Tensor x = Tensor::from<std::uint8_t>({1, 2, 1, 4}, {1, 2, 3, 99, 4, 5, 6, 99});
  EXPECT_THAT(open({{"x", x}}, {{"input", {3, 2, 1}}})->load({0}).inputs[0].to_floats(),
              ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST_F(NpzFile, PixelsReachAnInputOfIntegersAsTheyAre) {
  const Tensor x = Tensor::from<std::uint8_t>({1, 2, 2, 1}, {0, 100, 200, 255});
  const std::vector<InputSpec> spec{{"pixels", {1, 2, 2}, DataType::UInt8}};
  const DatasetOptions usual;  // a scale of 1/255 that nobody said
  const auto dataset = open({{"x", x}}, spec, usual);
  EXPECT_THAT(dataset->load({0}).inputs[0].data<std::uint8_t>(), ElementsAre(0, 100, 200, 255));
  DatasetOptions scaled;
  scaled.preprocess_given = true;
  scaled.scale_given = true;
  EXPECT_THAT(thrown_text([&] {
                (void)open({{"x", x}}, spec, scaled);
              }),
              AllOf(HasSubstr("input \"pixels\" takes uint8"), HasSubstr("--scale 1")));
}

TEST_F(NpzFile, AxesOfLengthOneMayBeMissingOrTooMany) {
  const Tensor x = Tensor::from<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(open({{"x", x}}, kGray)->load({1}).inputs[0].shape(), ElementsAre(1, 1, 2, 2));
  const Tensor wrapped = x.reshaped({2, 1, 1, 2, 2});
  EXPECT_THAT(open({{"x", wrapped}}, kGray)->load({1}).inputs[0].to_floats(),
              ElementsAre(5, 6, 7, 8));
  const Tensor alone = Tensor::from<float>({3, 2, 2}, std::vector<float>(12, 1.F));
  EXPECT_EQ(open({{"x", alone}}, kRgb)->size(), 1) << "one sample without an axis of samples";
}

TEST_F(NpzFile, TheOnlyArrayNeedsNoName) {
  const Tensor x = Tensor(DataType::Float32, {3, 1, 2, 2});
  for (const char* name : {"arr_0", "images"}) {
    EXPECT_EQ(open({{name, x}, {"y", Tensor(DataType::Int64, {3})}}, kGray)->size(), 3) << name;
  }
}

TEST_F(NpzFile, OneArrayMayBeEverySamples) {
  const std::vector<InputSpec> specs{{"input", {3}},
                                     {"state", {2, 2}, DataType::Float32, 1},
                                     {"rate", {}, DataType::Int64, std::nullopt}};
  const Tensor input = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor state = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  const auto dataset = open(
      {{"input", input}, {"state", state}, {"rate", Tensor::scalar(std::int64_t{16000})}}, specs);
  EXPECT_EQ(dataset->size(), 2);
  const Batch batch = dataset->load({1, 0});
  EXPECT_THAT(batch.inputs[0].to_floats(), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(batch.inputs[1].shape(), ElementsAre(2, 2, 2)) << "the batch stands second";
  EXPECT_THAT(batch.inputs[1].to_floats(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_EQ(batch.inputs[2].rank(), 0);
  EXPECT_THAT(batch.inputs[2].to_int64s(), ElementsAre(16000));
}

TEST_F(NpzFile, WhatAPassSharesMustBeTheSameInAllItsSamples) {
  const std::vector<InputSpec> specs{{"input", {3}}, {"rate", {}, DataType::Int64, std::nullopt}};
  const auto dataset = open({{"input", Tensor(DataType::Float32, {2, 3})},
                             {"rate", Tensor::from<std::int64_t>({2}, {8000, 16000})}},
                            specs);
  EXPECT_THAT(dataset->load({1}).inputs[1].to_int64s(), ElementsAre(16000));
  EXPECT_THAT(thrown_text([&] { (void)dataset->load({0, 1}); }), HasSubstr("--batch 1"));
}

TEST(NpyFiles, AreSamplesOrOneSampleEach) {
  const TemporaryDirectory root;
  const Tensor x = Tensor::from<float>({2, 1, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  write_bytes(root / "all.npy", to_npy(x));
  EXPECT_THAT(first_values(open_dataset(root / "all.npy", kGray, kRawOptions)->load({0, 1})),
              ElementsAre(1, 5));
  write_bytes(root / "each" / "a.npy", to_npy(Tensor::from<float>({1, 1, 2, 2}, {9, 0, 0, 0})));
  write_bytes(root / "each" / "b.npy", to_npy(Tensor::from<float>({1, 1, 2, 2}, {8, 0, 0, 0})));
  EXPECT_THAT(first_values(open_dataset(root / "each", kGray, kRawOptions)->load({0, 1})),
              ElementsAre(9, 8));
  write_bytes(root / "each" / "c.npy", to_npy(Tensor(DataType::Float32, {1, 1, 3, 2})));
  EXPECT_THAT(open_error(root / "each"), AllOf(HasSubstr("c.npy"), HasSubstr("1x1x3x2")));
  write_bytes(root / "named" / "x.npy", to_npy(x));
  write_bytes(root / "named" / "y.npy", to_npy(Tensor::from<std::int64_t>({2}, {4, 5})));
  EXPECT_THAT(open_dataset(root / "named", kGray, kRawOptions)->load({0, 1}).labels,
              ElementsAre(4, 5));
}

TEST_F(NpzFile, FeedsEveryNamedInput) {
  const std::vector<InputSpec> specs{{"image", {1, 2, 2}}, {"ids", {3}, DataType::Int64}};
  const Tensor image = Tensor::from<std::uint8_t>({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  const Tensor ids = Tensor::from<std::int64_t>({2, 3}, {10, 11, 12, 20, 21, 22});
  const auto dataset = open({{"image", image}, {"ids", ids}}, specs);
  const Batch batch = dataset->load({1});
  ASSERT_EQ(batch.inputs.size(), 2U);
  EXPECT_THAT(batch.inputs[0].data<float>(), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(batch.inputs[1].data<std::int64_t>(), ElementsAre(20, 21, 22));
  EXPECT_THAT(thrown_text([&] {
                open({{"image", image}}, specs);
              }),
              AllOf(HasSubstr("holds the arrays image"), HasSubstr("none named \"ids\"")));
  EXPECT_THAT(thrown_text([&] {
                open({{"image", image}, {"ids", Tensor(DataType::Int64, {5, 3})}}, specs);
              }),
              HasSubstr("\"ids\" holds 5 samples, the one before 2"));
}

TEST_F(NpzFile, NamesTheShapeThatDoesNotFit) {
  EXPECT_THAT(thrown_text([&] {
                open({{"x", Tensor(DataType::Float32, {4, 3, 5, 5})}}, kRgb);
              }),
              AllOf(HasSubstr("shape 3x5x5"), HasSubstr("\"input\""), HasSubstr("takes 3x2x2")));
  EXPECT_THAT(thrown_text([&] {
                open({{"x", Tensor(DataType::UInt8, {4, 2, 5, 5})}}, kRgb);
              }),
              AllOf(HasSubstr("shape 2x5x5"), HasSubstr("takes 3x2x2")));
  EXPECT_THAT(thrown_text([&] {
                open({{"x", Tensor(DataType::UInt8, {0, 2, 2})}}, kGray);
              }),
              HasSubstr("holds no samples"));
  EXPECT_THAT(
      thrown_text([&] {
        open({{"z", Tensor(DataType::UInt8, {1, 2, 2})}, {"w", Tensor(DataType::UInt8, {1, 2, 2})}},
             kGray);
      }),
      HasSubstr("none named \"input\" or \"x\""));
}

TEST_F(NpzFile, ArraysInMemoryGiveWhatAFileOfThemGives) {
  const NamedArrays arrays{{"x", Tensor::from<std::uint8_t>({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7})},
                           {"y", Tensor::from<std::int64_t>({2}, {7, 3})}};
  const Batch of_file = open(arrays, kGray)->load({1, 0});
  const auto dataset = open_arrays(arrays, "x uint8", kGray, kRawOptions);
  const Batch of_arrays = dataset->load({1, 0});
  EXPECT_TRUE(of_arrays.inputs.at(0).equals(of_file.inputs.at(0)));
  EXPECT_EQ(of_arrays.labels, of_file.labels);
  EXPECT_EQ(dataset->sample_name(1), "sample 1 of x uint8");
  EXPECT_TRUE(dataset->images().has_value());
}

TEST(OpenArrays, NamesTheArraysInErrors) {
  EXPECT_THAT(
      thrown_text([&] {
        (void)open_arrays({{"y", Tensor(DataType::UInt8, {1})}}, "mine", kGray, kRawOptions);
      }),
      AllOf(HasSubstr("[mine]"), HasSubstr("none named \"input\" or \"x\"")));
  EXPECT_THAT(thrown_text([&] { (void)open_arrays({}, "mine", {}, kRawOptions); }),
              HasSubstr("no inputs to feed"));
}

}  // namespace
}  // namespace ompq::data
