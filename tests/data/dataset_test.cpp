#include "ompq/data/dataset.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_file.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using testing::constant_image;
using ::testing::ElementsAre;
using testing::first_values;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kGray;
using testing::kRawOptions;
using testing::kRgb;
using testing::open_error;
using testing::png_bytes;
using testing::thrown_text;
using testing::write_bytes;

void write_gray(const fs::path& file, std::uint8_t value) {
  write_bytes(file, png_bytes(constant_image(2, 2, {value})));
}

std::vector<std::int64_t> all_of(const Dataset& dataset) {
  return choose_samples(dataset.size(), 0, 0);
}

// --- directories of images -----------------------------------------------------------------------

TEST(ClassFolders, AreNumberedInTheOrderOfTheirNames) {
  const TemporaryDirectory root;
  write_gray(root / "zebra" / "1.png", 30);
  write_gray(root / "ant" / "b.PNG", 11);
  write_gray(root / "ant" / "a.png", 10);
  write_gray(root / "bee" / "deep" / "1.png", 20);
  write_bytes(root / "bee" / "notes.txt", "not an image");
  write_bytes(root / "bee" / "._1.png", "hidden");
  fs::create_directory(root / ".cache");
  const auto dataset = open_dataset(root.path(), kGray, kRawOptions);
  const Batch batch = dataset->load(all_of(*dataset));
  EXPECT_TRUE(dataset->has_labels());
  EXPECT_THAT(batch.labels, ElementsAre(0, 0, 1, 2));
  EXPECT_THAT(first_values(batch), ElementsAre(10, 11, 20, 30));
  EXPECT_EQ(dataset->sample_name(2), "bee/deep/1.png");
}

TEST(FlatDirectory, HasNoLabels) {
  const TemporaryDirectory root;
  write_gray(root / "2.png", 2);
  write_bytes(root / "1.jpeg", testing::jpeg_bytes(constant_image(2, 2, {128})));
  const auto dataset = open_dataset(root.path(), kRgb, kRawOptions);
  const Batch batch = dataset->load({1, 0});
  EXPECT_FALSE(dataset->has_labels());
  EXPECT_THAT(batch.labels, IsEmpty());
  EXPECT_EQ(batch.size, 2);
  EXPECT_THAT(batch.inputs[0].shape(), ElementsAre(2, 3, 2, 2));
  EXPECT_THAT(first_values(batch), ElementsAre(2, 128));
}

TEST(LabelsCsv, ListsFilesAndLabels) {
  const TemporaryDirectory root;
  write_gray(root / "a,b.png", 1);
  write_gray(root / "sub" / "c.png", 2);
  write_gray(root / "unlisted.png", 3);
  write_bytes(root / "labels.csv", "file,label\r\n\"a,b.png\",5\r\n\r\nsub/c.png, 0\r\n");
  const auto dataset = open_dataset(root.path(), kGray, kRawOptions);
  const Batch batch = dataset->load(all_of(*dataset));
  EXPECT_THAT(batch.labels, ElementsAre(5, 0));
  EXPECT_THAT(first_values(batch), ElementsAre(1, 2));
}

TEST(LabelsCsv, OfAnotherFormStillHasSamples) {
  const TemporaryDirectory root;
  write_gray(root / "a.png", 1);
  write_bytes(root / "labels.csv", "file,label\na.png,cat\n");
  const auto dataset = open_dataset(root.path(), kGray, kRawOptions);
  EXPECT_FALSE(dataset->has_labels());
  EXPECT_THAT(dataset->label_fault(), HasSubstr("label \"cat\""));
  EXPECT_THAT(first_values(dataset->load({0})), ElementsAre(1));
  EXPECT_NO_THROW(dataset->require_labels_below(1));
  for (const std::string bad : {"-1", "2147483648", "0.5", "nan", "99999999999999999999"}) {
    write_gray(root / "b.png", 1);
    write_bytes(root / "labels.csv", "file,label\nb.png,dog\na.png," + bad + "\n");
    EXPECT_THAT(testing::thrown_text([&] {
                  open_dataset(root.path(), kGray, kRawOptions)->require_labels_below(10);
                }),
                ::testing::AllOf(HasSubstr("line 3 of"), HasSubstr("label \"" + bad + "\"")));
  }
  write_bytes(root / "labels.csv", "file,label\n");
  EXPECT_THAT(open_error(root.path()), HasSubstr("holds no samples"));
}

TEST(OpenDataset, LeavesOutWhatFileManagersLeaveBehindAndCountsIt) {
  const TemporaryDirectory root;
  write_gray(root / "cat" / "1.png", 1);
  write_gray(root / "dog" / "1.png", 2);
  write_bytes(root / "cat" / ".DS_Store", "x");
  write_bytes(root / "cat" / "notes.txt", "x");
  write_gray(root / "dog" / ".ipynb_checkpoints" / "1.png", 3);
  write_gray(root / "dog" / "__MACOSX" / "1.png", 4);
  write_bytes(root / "__MACOSX" / "cat" / "._1.png", "x");
  const auto dataset = open_dataset(root.path(), kGray, kRawOptions);
  EXPECT_THAT(dataset->load(all_of(*dataset)).labels, ElementsAre(0, 1));
  ASSERT_EQ(dataset->remarks().size(), 1U);
  EXPECT_THAT(dataset->remarks()[0], HasSubstr("2 files of " + root.path().string()));
  EXPECT_THAT(dataset->remarks()[0], HasSubstr("notes.txt"));
}

TEST(FlatDirectory, MayHoldClutterBesideImages) {
  const TemporaryDirectory root;
  write_gray(root / "1.png", 7);
  write_bytes(root / "._1.png", "x");
  write_bytes(root / "__MACOSX" / "._1.png", "x");
  const auto dataset = open_dataset(root.path(), kGray, kRawOptions);
  EXPECT_THAT(first_values(dataset->load(all_of(*dataset))), ElementsAre(7));
  EXPECT_THAT(dataset->remarks(), ElementsAre(HasSubstr("1 file of")));
}

TEST(FlatDirectory, GivesPixelsAsTheyAreToAnInputOfIntegers) {
  const TemporaryDirectory root;
  write_gray(root / "1.png", 200);
  const auto dataset = open_dataset(root.path(), {{"pixels", {1, 2, 2}, DataType::Int32}}, {});
  EXPECT_THAT(dataset->load({0}).inputs[0].data<std::int32_t>(), ElementsAre(200, 200, 200, 200));
  EXPECT_FALSE(dataset->images().has_value());
}

TEST(OpenDataset, AnOpenSizeIsThatOfTheImages) {
  const TemporaryDirectory root;
  write_bytes(root / "1.png", png_bytes(constant_image(6, 9, {1})));
  write_bytes(root / "2.png", png_bytes(constant_image(6, 9, {2})));
  const std::vector<InputSpec> open{{"input", {1, -1, -1}}};
  EXPECT_THAT(open_dataset(root.path(), open, kRawOptions)->extents(),
              ElementsAre(ElementsAre(1, 6, 9)));
  DatasetOptions options = kRawOptions;
  options.preprocess.resize = 4;
  EXPECT_THAT(open_dataset(root.path(), open, options)->extents(),
              ElementsAre(ElementsAre(1, 4, 6)));
  options.preprocess.crop = 3;
  EXPECT_THAT(open_dataset(root.path(), open, options)->extents(),
              ElementsAre(ElementsAre(1, 3, 3)));
  write_bytes(root / "3.png", png_bytes(constant_image(6, 8, {2})));
  EXPECT_THAT(open_error(root.path(), open),
              AllOf(HasSubstr("\"input\""), HasSubstr("--crop"), HasSubstr("-1,1,224,224")));
}

TEST(OpenDataset, SaysWhatADirectoryLacks) {
  const TemporaryDirectory root;
  EXPECT_THAT(open_error(root.path()),
              AllOf(HasSubstr(root.path().string()), HasSubstr("holds no samples; expected")));
  fs::create_directories(root / "cat");
  EXPECT_THAT(open_error(root.path()), HasSubstr("holds no samples"));
  write_gray(root / "a.png", 1);
  EXPECT_THAT(open_error(root.path()), HasSubstr("both images and folders"));
  EXPECT_THAT(open_error(root / "missing"), HasSubstr("does not exist"));
}

TEST(OpenDataset, TakesNoSplitsForClasses) {
  const TemporaryDirectory root;
  write_gray(root / "train" / "cat" / "1.png", 1);
  write_gray(root / "val" / "cat" / "1.png", 1);
  EXPECT_THAT(open_error(root.path()), HasSubstr("the splits train, val; name one"));
}

TEST(OpenDataset, WantsOneInputForImages) {
  const TemporaryDirectory root;
  write_gray(root / "a.png", 1);
  EXPECT_THAT(open_error(root.path(), {{"left", {1, 2, 2}}, {"right", {1, 2, 2}}}),
              AllOf(HasSubstr("2 inputs (left, right)"), HasSubstr(".npz")));
}

// --- broken samples ------------------------------------------------------------------------------

class BrokenSamples : public ::testing::Test {
 protected:
  BrokenSamples() {
    write_gray(root_ / "a.png", 1);
    write_bytes(root_ / "b.png", "");
    write_gray(root_ / "c.png", 3);
    const std::string jpeg = testing::jpeg_bytes(testing::random_image(40, 40, 3, 1));
    write_bytes(root_ / "d.jpg", jpeg.substr(0, jpeg.size() / 2));
    write_bytes(root_ / "labels.csv", "a.png,0\nb.png,1\nc.png,2\nd.jpg,3\n");
  }
  TemporaryDirectory root_;
};

TEST_F(BrokenSamples, AreNamedWithTheWayOut) {
  const auto dataset = open_dataset(root_.path(), kGray, kRawOptions);
  EXPECT_THAT(thrown_text([&] {
                (void)dataset->load({0, 1});
              }),
              AllOf(HasSubstr("b.png] the file is empty (0 bytes)"), HasSubstr("--skip-broken")));
  EXPECT_THAT(thrown_text([&] { (void)dataset->load({3}); }),
              AllOf(HasSubstr("d.jpg]"), HasSubstr("JPEG image is broken")));
  EXPECT_EQ(dataset->load({0, 2}).size, 2);
}

TEST_F(BrokenSamples, AreLeftOutAndCountedOnce) {
  write_bytes(root_ / "labels.csv", "a.png,0\nb.png,1\nc.png,2\nd.jpg,3\nnowhere.png,4\n");
  DatasetOptions options = kRawOptions;
  options.skip_broken = true;
  const auto dataset = open_dataset(root_.path(), kGray, options);
  EXPECT_EQ(dataset->size(), 5);
  for (int pass = 0; pass < 2; ++pass) {
    const Batch batch = dataset->load({0, 1, 2, 3, 4});
    EXPECT_EQ(batch.size, 2);
    EXPECT_THAT(batch.labels, ElementsAre(0, 2));
    EXPECT_THAT(batch.inputs[0].shape(), ElementsAre(2, 1, 2, 2));
    EXPECT_THAT(first_values(batch), ElementsAre(1, 3));
    EXPECT_EQ(dataset->skipped(), 3);
  }
  const Batch nothing = dataset->load({1});
  EXPECT_EQ(nothing.size, 0);
  EXPECT_THAT(nothing.inputs[0].shape(), ElementsAre(0, 1, 2, 2));
}

TEST_F(BrokenSamples, ASampleThatDoesNotExistIsAnErrorEvenThen) {
  DatasetOptions options = kRawOptions;
  options.skip_broken = true;
  const auto dataset = open_dataset(root_.path(), kGray, options);
  EXPECT_THAT(thrown_text([&] { (void)dataset->load({4}); }), HasSubstr("sample 4 does not exist"));
  EXPECT_THAT(thrown_text([&] { (void)dataset->sample_name(-1); }), HasSubstr("does not exist"));
}

// --- IDX -----------------------------------------------------------------------------------------

class IdxFolder : public ::testing::Test {
 protected:
  IdxFolder() {
    write_bytes(root_ / "train-images-idx3-ubyte", testing::idx_bytes({2, 2, 2}, "ABCDEFGH"));
    write_bytes(root_ / "train-labels-idx1-ubyte", testing::idx_bytes({2}, "\x01\x02"));
    testing::write_gzip(root_ / "t10k-images-idx3-ubyte.gz",
                        testing::idx_bytes({3, 2, 2}, "abcdefghijkl"));
    testing::write_gzip(root_ / "t10k-labels-idx1-ubyte.gz",
                        testing::idx_bytes({3}, "\x03\x04\x05"));
  }
  TemporaryDirectory root_;
};

TEST_F(IdxFolder, GivesTheTestSplitUnlessAskedForTrain) {
  for (const std::string split : {"", "test", "train"}) {
    DatasetOptions options = kRawOptions;
    options.split = split;
    const auto dataset = open_dataset(root_.path(), kGray, options);
    const Batch batch = dataset->load(all_of(*dataset));
    if (split == "train") {
      EXPECT_THAT(batch.labels, ElementsAre(1, 2));
      EXPECT_THAT(first_values(batch), ElementsAre('A', 'E'));
    } else {
      EXPECT_THAT(batch.labels, ElementsAre(3, 4, 5));
      EXPECT_THAT(first_values(batch), ElementsAre('a', 'e', 'i'));
    }
  }
}

TEST_F(IdxFolder, ReadsANamedFileWithTheLabelsBesideIt) {
  const auto train = open_dataset(root_ / "train-images-idx3-ubyte", kGray, kRawOptions);
  EXPECT_THAT(train->load({0, 1}).labels, ElementsAre(1, 2));
  const auto test = open_dataset(root_ / "t10k-images-idx3-ubyte.gz", kGray, kRawOptions);
  EXPECT_THAT(test->load({2}).labels, ElementsAre(5));
  EXPECT_EQ(test->sample_name(2), "sample 2 of t10k-images-idx3-ubyte.gz");
}

TEST_F(IdxFolder, NeedsNoLabels) {
  fs::remove(root_ / "t10k-labels-idx1-ubyte.gz");
  const auto dataset = open_dataset(root_.path(), kGray, kRawOptions);
  EXPECT_FALSE(dataset->has_labels());
  EXPECT_THAT(dataset->load({0}).labels, IsEmpty());
}

TEST_F(IdxFolder, SaysWhichSplitIsMissing) {
  fs::remove(root_ / "train-images-idx3-ubyte");
  DatasetOptions options = kRawOptions;
  options.split = "train";
  EXPECT_THAT(open_error(root_.path(), kGray, options), HasSubstr("holds no train split"));
  options.split = "validation";
  EXPECT_THAT(open_error(root_.path(), kGray, options), HasSubstr("\"validation\" is unknown"));
}

TEST_F(IdxFolder, FallsBackToTrainWhereNothingElseIs) {
  fs::remove(root_ / "t10k-images-idx3-ubyte.gz");
  EXPECT_EQ(open_dataset(root_.path(), kGray, kRawOptions)->size(), 2);
}

TEST_F(IdxFolder, NamesTheFileThatHoldsNoImages) {
  const auto error_with = [&](const std::string& bytes) {
    write_bytes(root_ / "train-images-idx3-ubyte", bytes);
    return open_error(root_ / "train-images-idx3-ubyte");
  };
  EXPECT_THAT(error_with(testing::idx_bytes({8}, "ABCDEFGH")), HasSubstr("does not hold images"));
  EXPECT_THAT(error_with(""), HasSubstr("the file is empty (0 bytes)"));
  EXPECT_THAT(error_with("hello, world"), HasSubstr("is not a source of samples"));
}

TEST_F(IdxFolder, LabelsOfOtherImagesAreNotUsed) {
  write_bytes(root_ / "train-images-idx3-ubyte", testing::idx_bytes({3, 2, 2}, "ABCDEFGHIJKL"));
  const auto dataset = open_dataset(root_ / "train-images-idx3-ubyte", kGray, kRawOptions);
  EXPECT_FALSE(dataset->has_labels());
  EXPECT_THAT(dataset->label_fault(), HasSubstr("no label for each of the 3 samples"));
  EXPECT_EQ(dataset->load({0, 1, 2}).size, 3);
}

TEST_F(IdxFolder, NamesACutGzip) {
  const fs::path file = root_ / "t10k-images-idx3-ubyte.gz";
  fs::resize_file(file, fs::file_size(file) - 12);
  EXPECT_THAT(open_error(file), HasSubstr("t10k-images"));
}

// --- CIFAR-10 ------------------------------------------------------------------------------------

std::string cifar_record(std::uint8_t label, char red, char green, char blue) {
  return std::string(1, static_cast<char>(label)) + std::string(1024, red) +
         std::string(1024, green) + std::string(1024, blue);
}

TEST(Cifar10, ReadsPlanesAndLabelsOfTheSplit) {
  const TemporaryDirectory root;
  write_bytes(root / "data_batch_2.bin", cifar_record(9, 1, 2, 3));
  write_bytes(root / "data_batch_1.bin", cifar_record(4, 7, 8, 9) + cifar_record(5, 4, 5, 6));
  write_bytes(root / "test_batch.bin", cifar_record(0, 50, 60, 70));
  const std::vector<InputSpec> spec{{"input", {3, 32, 32}}};
  DatasetOptions options = kRawOptions;
  options.split = "train";
  const auto train = open_dataset(root.path(), spec, options);
  const Batch batch = train->load({0, 1, 2});
  EXPECT_THAT(batch.labels, ElementsAre(4, 5, 9));
  EXPECT_THAT(first_values(batch), ElementsAre(7, 4, 1));
  EXPECT_EQ(batch.inputs[0].data<float>()[2 * 1024], 9.F);
  EXPECT_THAT(open_dataset(root.path(), spec, kRawOptions)->load({0}).labels, ElementsAre(0));
  EXPECT_EQ(open_dataset(root / "data_batch_1.bin", spec, kRawOptions)->size(), 2);
}

// --- choosing and checking -----------------------------------------------------------------------

TEST(ChooseSamples, AreDistinctAscendingAndSeeded) {
  const auto chosen = choose_samples(1000, 64, 7);
  ASSERT_EQ(chosen.size(), 64U);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  EXPECT_EQ(std::set<std::int64_t>(chosen.begin(), chosen.end()).size(), 64U);
  EXPECT_GE(chosen.front(), 0);
  EXPECT_LT(chosen.back(), 1000);
  EXPECT_EQ(choose_samples(1000, 64, 7), chosen);
  EXPECT_NE(choose_samples(1000, 64, 8), chosen);
}

TEST(ChooseSamples, GivesAllForZeroOrForMoreThanThereAre) {
  EXPECT_THAT(choose_samples(3, 0, 1), ElementsAre(0, 1, 2));
  EXPECT_THAT(choose_samples(3, 9, 1), ElementsAre(0, 1, 2));
  EXPECT_THROW((void)choose_samples(3, -1, 1), ConfigError);
}

TEST(ChooseSamples, EveryIndexIsAsLikely) {
  std::vector<int> hits(10);
  constexpr int kDraws = 4000;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    for (const std::int64_t i : choose_samples(10, 3, seed)) ++hits[static_cast<std::size_t>(i)];
  }
  // Binomial with p = 0.3: a deviation of 29; five of them.
  for (const int count : hits) EXPECT_NEAR(count, kDraws * 0.3, 5 * 29);
}

TEST(ValidateLabels, NamesTheLabelOutsideOfTheClasses) {
  const std::vector<std::int32_t> labels{0, 9, 10};
  EXPECT_NO_THROW(validate_labels(labels, 11));
  EXPECT_THAT(thrown_text([&] { validate_labels(labels, 10); }),
              AllOf(HasSubstr("label 10 of sample 2"), HasSubstr("0..9")));
  EXPECT_THROW(validate_labels(std::vector<std::int32_t>{-1}, 10), DataError);
}

// --- real data -----------------------------------------------------------------------------------

TEST(RealData, ImageNetValidationImagesAreResizedToTheNetwork) {
  OMPQ_SHARED_OR_SKIP(shared);
  const DatasetOptions options{
      .preprocess = read_preprocess(shared / "models" / "mobilenetv2-imagenet.preprocess.json")};
  const auto dataset =
      open_dataset(shared / "data" / "imagenet-val", {{"input", {3, 224, 224}}}, options);
  EXPECT_EQ(dataset->size(), 650);
  ASSERT_TRUE(dataset->has_labels());
  const Batch batch = dataset->load({0, 1, 649});
  EXPECT_THAT(batch.inputs[0].shape(), ElementsAre(3, 3, 224, 224));
  EXPECT_EQ(batch.labels[0], 472);
  EXPECT_NO_THROW(validate_labels(batch.labels, 1000));
  for (const float value : batch.inputs[0].data<float>()) ASSERT_LE(std::abs(value), 1.F);
}

TEST(RealData, ImageNetCalibrationImagesHaveNoLabels) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto dataset =
      open_dataset(shared / "data" / "imagenet-calib", {{"input", {3, 224, 224}}}, {});
  EXPECT_EQ(dataset->size(), 1000);
  EXPECT_FALSE(dataset->has_labels());
  EXPECT_EQ(dataset->load({0, 999}).size, 2);
}

TEST(RealData, Cifar10NpzHasTwoThousandLabelledImages) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto dataset =
      open_dataset(shared / "data" / "cifar10-train2000.npz", {{"input", {3, 32, 32}}}, {});
  EXPECT_EQ(dataset->size(), 2000);
  const Batch batch = dataset->load(all_of(*dataset));
  EXPECT_NO_THROW(validate_labels(batch.labels, 10));
  EXPECT_EQ(std::set<std::int32_t>(batch.labels.begin(), batch.labels.end()).size(), 10U);
}

TEST(RealData, FashionMnistHasTenThousandTestImages) {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "needs the package dataset-fashion-mnist";
  const auto test = open_dataset(folder, {{"input", {1, 28, 28}}}, {});
  EXPECT_EQ(test->size(), 10'000);
  const Batch batch = test->load(choose_samples(test->size(), 500, 1));
  EXPECT_NO_THROW(validate_labels(batch.labels, 10));
  const auto values = batch.inputs[0].data<float>();
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 1.F);
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), 0.F);
}

}  // namespace
}  // namespace ompq::data
