#include "ompq/data/loader.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/data/augmentation.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::all_indices;
using ::ompq::testing::MemoryDataset;
using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using testing::constant_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::idx_bytes;
using ::testing::IsEmpty;
using testing::png_bytes;
using testing::random_image;
using ::testing::UnorderedElementsAreArray;
using testing::write_bytes;

constexpr std::int64_t kSide = 8;

/// `count` random gray images of 8 x 8 pixels in an IDX file; labels 0, 1, 2, 0, ...
std::unique_ptr<Dataset> gray_images(const TemporaryDirectory& folder, std::uint32_t count) {
  std::string pixels;
  std::string labels;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Image image = random_image(kSide, kSide, 1, i);
    pixels.append(image.pixels.begin(), image.pixels.end());
    labels.push_back(static_cast<char>(i % 3));
  }
  write_bytes(folder / "train-images-idx3-ubyte", idx_bytes({count, kSide, kSide}, pixels));
  write_bytes(folder / "train-labels-idx1-ubyte", idx_bytes({count}, labels));
  return open_dataset(folder.path(), {{"input", {1, kSide, kSide}}}, {});
}

/// Whole batches, told apart by everything that they hold.
void expect_equal(const LoadedBatch& got, const LoadedBatch& expected) {
  EXPECT_EQ(got.position.epoch, expected.position.epoch);
  EXPECT_EQ(got.position.batch, expected.position.batch);
  EXPECT_EQ(got.last, expected.last);
  EXPECT_EQ(got.indices, expected.indices);
  EXPECT_EQ(got.batch.labels, expected.batch.labels);
  ASSERT_EQ(got.batch.inputs.size(), expected.batch.inputs.size());
  EXPECT_TRUE(got.batch.inputs[0].equals(expected.batch.inputs[0]))
      << "epoch " << got.position.epoch << ", batch " << got.position.batch;
}

template <typename Kind, typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Kind& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing of that kind was thrown";
  return "";
}

TEST(EpochOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  const auto indices = all_indices(100);
  const auto order = epoch_order(indices, 7, 3);
  EXPECT_THAT(order, UnorderedElementsAreArray(indices));
  EXPECT_EQ(order, epoch_order(indices, 7, 3));
  EXPECT_NE(order, epoch_order(indices, 7, 4));
  EXPECT_NE(order, epoch_order(indices, 8, 3));
  EXPECT_NE(order, indices);
}

TEST(Loader, GivesEverySampleOnceAnEpochWithItsLabel) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 23);
  Loader loader(*dataset, all_indices(23), {.batch_size = 5, .threads = 2});
  EXPECT_EQ(loader.batches_per_epoch(), 5);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> seen;
    for (std::int64_t b = 0; b < 5; ++b) {
      const LoadedBatch loaded = loader.next();
      EXPECT_EQ(loaded.position.epoch, epoch);
      EXPECT_EQ(loaded.position.batch, b);
      EXPECT_EQ(loaded.last, b == 4);
      EXPECT_EQ(loaded.batch.size, b == 4 ? 3 : 5);
      EXPECT_EQ(loaded.batch.inputs[0].shape()[0], loaded.batch.size);
      for (std::size_t i = 0; i < loaded.indices.size(); ++i) {
        EXPECT_EQ(loaded.batch.labels[i], loaded.indices[i] % 3);
      }
      seen.insert(seen.end(), loaded.indices.begin(), loaded.indices.end());
    }
    EXPECT_THAT(seen, UnorderedElementsAreArray(all_indices(23)));
  }
}

TEST(Loader, WithoutAugmentationGivesWhatTheDataSetGives) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 12);
  Loader loader(*dataset, all_indices(12), {.batch_size = 12});
  const LoadedBatch loaded = loader.next();
  const auto reopened = gray_images(folder, 12);
  const Batch expected = reopened->load(loaded.indices);
  EXPECT_TRUE(loaded.batch.inputs[0].equals(expected.inputs[0]));
  EXPECT_EQ(loaded.batch.labels, expected.labels);
}

TEST(Loader, KeepsTheOrderWhereNothingIsShuffled) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 6);
  Loader loader(*dataset, {4, 1, 5}, {.batch_size = 2, .shuffle = false});
  EXPECT_THAT(loader.next().indices, ElementsAre(4, 1));
  EXPECT_THAT(loader.next().indices, ElementsAre(5));
  EXPECT_THAT(loader.next().indices, ElementsAre(4, 1));
}

TEST(Loader, DropsALastBatchThatIsNotFull) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 11);
  Loader loader(*dataset, all_indices(11), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(loader.batches_per_epoch(), 2);
  EXPECT_FALSE(loader.next().last);
  EXPECT_TRUE(loader.next().last);
  const LoadedBatch next = loader.next();
  EXPECT_EQ(next.position.epoch, 1);
  EXPECT_EQ(next.batch.size, 4);
}

TEST(Loader, GivesTheSameBatchesForAnyNumberOfThreadsAndAnyCache) {
  const TemporaryDirectory folder;
  const auto one = gray_images(folder, 40);
  const auto many = gray_images(folder, 40);
  LoaderOptions options{.batch_size = 7, .augmentation = "strong", .seed = 5, .threads = 0};
  Loader plain(*one, all_indices(40), options);
  options.threads = 3;
  options.cache_bytes = 10 * kSide * kSide;
  Loader threaded(*many, all_indices(40), options);
  for (int b = 0; b < 3 * 6; ++b) expect_equal(threaded.next(), plain.next());
}

TEST(Loader, GoesOnAtAnyBatchAsIfItHadNeverStopped) {
  const TemporaryDirectory folder;
  const auto whole = gray_images(folder, 20);
  const auto rest = gray_images(folder, 20);
  const LoaderOptions options{.batch_size = 6, .augmentation = "standard", .seed = 9, .threads = 2};
  Loader uninterrupted(*whole, all_indices(20), options);
  for (int b = 0; b < 4 + 3; ++b) static_cast<void>(uninterrupted.next());
  Loader resumed(*rest, all_indices(20), options, {.epoch = 1, .batch = 3});
  for (int b = 0; b < 6; ++b) expect_equal(resumed.next(), uninterrupted.next());
}

TEST(Loader, VariesImagesFromEpochToEpoch) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 4);
  Loader loader(
      *dataset, all_indices(4), {.batch_size = 4, .shuffle = false, .augmentation = "strong"});
  const Tensor first = loader.next().batch.inputs[0];
  EXPECT_FALSE(loader.next().batch.inputs[0].equals(first));
}

TEST(Loader, CachesNoMoreThanItsLimit) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 10);
  constexpr std::int64_t kImage = kSide * kSide;
  Loader loader(*dataset, all_indices(10), {.batch_size = 10, .cache_bytes = 3 * kImage + 1});
  static_cast<void>(loader.next());
  EXPECT_EQ(loader.cached_bytes(), 3 * kImage);
}

TEST(Loader, DecodesAFileOnceWhereItIsCached) {
  const TemporaryDirectory folder;
  for (int i = 0; i < 3; ++i) {
    write_bytes(folder / fmt::format("{}.png", i), png_bytes(random_image(kSide, kSide, 3, 1)));
  }
  const auto dataset = open_dataset(folder.path(), {{"input", {3, kSide, kSide}}}, {});
  Loader loader(*dataset, all_indices(3), {.batch_size = 3, .shuffle = false, .threads = 0});
  const Tensor first = loader.next().batch.inputs[0];
  for (int i = 0; i < 3; ++i) std::filesystem::remove(folder / fmt::format("{}.png", i));
  EXPECT_TRUE(loader.next().batch.inputs[0].equals(first));
}

TEST(Loader, NamesABrokenSampleWhenItsTurnComesAndAgainAfterwards) {
  const TemporaryDirectory folder;
  for (int i = 0; i < 6; ++i) {
    write_bytes(folder / fmt::format("{}.png", i), png_bytes(constant_image(kSide, kSide, {1})));
  }
  write_bytes(folder / "4.png", "no image");
  const auto dataset = open_dataset(folder.path(), {{"input", {1, kSide, kSide}}}, {});
  for (const int threads : {0, 2}) {
    Loader loader(
        *dataset, all_indices(6), {.batch_size = 2, .shuffle = false, .threads = threads});
    EXPECT_EQ(loader.next().batch.size, 2);
    EXPECT_EQ(loader.next().batch.size, 2);
    for (int again = 0; again < 2; ++again) {
      EXPECT_THAT(error_of<DataError>([&] { static_cast<void>(loader.next()); }),
                  AllOf(HasSubstr("4.png"),
                        HasSubstr("not a JPEG, PNG, WebP, BMP or TIFF"),
                        HasSubstr("--skip-broken")));
    }
  }
}

TEST(Loader, LeavesBrokenSamplesOutAndCountsThemOnceIfAsked) {
  const TemporaryDirectory folder;
  for (int i = 0; i < 4; ++i) {
    write_bytes(folder / fmt::format("{}.png", i), png_bytes(constant_image(kSide, kSide, {1})));
  }
  write_bytes(folder / "1.png", "no image");
  const auto dataset =
      open_dataset(folder.path(), {{"input", {1, kSide, kSide}}}, {.skip_broken = true});
  Loader loader(*dataset, all_indices(4), {.batch_size = 2, .shuffle = false});
  for (int epoch = 0; epoch < 2; ++epoch) {
    const LoadedBatch first = loader.next();
    EXPECT_THAT(first.indices, ElementsAre(0));
    EXPECT_EQ(first.batch.size, 1);
    EXPECT_THAT(first.batch.inputs[0].shape(), ElementsAre(1, 1, kSide, kSide));
    EXPECT_THAT(loader.next().indices, ElementsAre(2, 3));
  }
  EXPECT_EQ(loader.skipped(), 1);
}

TEST(Loader, GivesEmptyBatchesWhereAllOfThemIsBroken) {
  const TemporaryDirectory folder;
  write_bytes(folder / "0.png", "no image");
  write_bytes(folder / "1.png", png_bytes(constant_image(kSide, kSide, {1})));
  const auto dataset =
      open_dataset(folder.path(), {{"input", {1, kSide, kSide}}}, {.skip_broken = true});
  Loader loader(*dataset, all_indices(2), {.batch_size = 1, .shuffle = false});
  const LoadedBatch empty = loader.next();
  EXPECT_EQ(empty.batch.size, 0);
  EXPECT_THAT(empty.indices, IsEmpty());
  EXPECT_THAT(empty.batch.inputs[0].shape(), ElementsAre(0, 1, kSide, kSide));
  EXPECT_EQ(loader.next().batch.size, 1);
}

TEST(Loader, ReadsArraysOfNumbersToo) {
  const Tensor samples = ::ompq::testing::normal_samples({9, 5}, 1);
  MemoryDataset dataset(samples, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  Loader loader(dataset, all_indices(9), {.batch_size = 4, .threads = 2});
  for (int b = 0; b < 6; ++b) {
    const LoadedBatch loaded = loader.next();
    const Batch expected = dataset.load(loaded.indices);
    EXPECT_TRUE(loaded.batch.inputs[0].equals(expected.inputs[0])) << b;
    EXPECT_EQ(loaded.batch.labels, expected.labels) << b;
  }
}

TEST(Loader, RefusesToVaryArraysOfNumbers) {
  MemoryDataset dataset(::ompq::testing::normal_samples({9, 5}, 1));
  EXPECT_THAT(
      error_of<ConfigError>([&] { Loader(dataset, all_indices(9), {.augmentation = "light"}); }),
      AllOf(HasSubstr("\"light\""), HasSubstr("8-bit pixels")));
}

TEST(Loader, EndsAtOnceWhereverItIs) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 50);
  for (int taken = 0; taken < 4; ++taken) {
    Loader loader(*dataset, all_indices(50), {.batch_size = 3, .threads = 3, .prefetch = 2});
    for (int b = 0; b < taken; ++b) static_cast<void>(loader.next());
  }
  SUCCEED();  // whoever waits for ever, or for nobody, never comes here
}

TEST(Loader, LoadsNoFurtherAheadThanAsked) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 50);
  constexpr std::int64_t kImage = kSide * kSide;
  Loader loader(*dataset, all_indices(50), {.batch_size = 5, .threads = 2, .prefetch = 3});
  for (std::int64_t taken = 1; taken < 5; ++taken) {
    static_cast<void>(loader.next());
    EXPECT_GE(loader.cached_bytes(), taken * 5 * kImage);
    EXPECT_LE(loader.cached_bytes(), (taken + 3) * 5 * kImage);
  }
}

TEST(Loader, NamesBadOptions) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 4);
  const auto message = [&](std::vector<std::int64_t> indices, const LoaderOptions& options) {
    return error_of<ConfigError>([&] { Loader(*dataset, indices, options); });
  };
  EXPECT_THAT(message({}, {}), HasSubstr("no samples"));
  EXPECT_THAT(message({0, 4}, {}), HasSubstr("sample 4 does not exist; there are 4"));
  EXPECT_THAT(message({-1}, {}), HasSubstr("sample -1 does not exist"));
  EXPECT_THAT(message({0}, {.batch_size = 0}), HasSubstr("batch size is 0"));
  EXPECT_THAT(message({0}, {.threads = -1}), HasSubstr("number of threads is -1"));
  EXPECT_THAT(message({0}, {.prefetch = 0}), HasSubstr("to load ahead is 0"));
  EXPECT_THAT(message({0}, {.cache_bytes = -1}), HasSubstr("decoded images is -1"));
  EXPECT_THAT(message({0}, {.augmentation = "heavy"}), HasSubstr("unknown augmentation 'heavy'"));
  EXPECT_THAT(message({0, 1, 2}, {.batch_size = 4, .drop_last = true}),
              HasSubstr("3 samples do not fill a batch of 4"));
}

TEST(Loader, RefusesToBeginBeforeTheBeginning) {
  const TemporaryDirectory folder;
  const auto dataset = gray_images(folder, 4);
  EXPECT_THAT(error_of<ConfigError>([&] { Loader(*dataset, {0}, {}, {.epoch = -1}); }),
              HasSubstr("epoch to begin with is -1"));
  EXPECT_THAT(error_of<ConfigError>([&] { Loader(*dataset, {0}, {}, {.batch = -1}); }),
              HasSubstr("batch to begin with is -1"));
}

}  // namespace
}  // namespace ompq::data
