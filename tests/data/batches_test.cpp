#include "ompq/data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/memory_dataset.h"

namespace ompq::data {
namespace {

using ::ompq::testing::MemoryDataset;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Ten samples of one number, which is their index; those with an odd one are broken and skipped.
class HalfBroken : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 10; }
  [[nodiscard]] bool has_labels() const override { return false; }
  [[nodiscard]] std::string sample_name(std::int64_t) const override { return ""; }
  [[nodiscard]] Batch load(const std::vector<std::int64_t>& indices) override {
    std::vector<float> sound;
    for (const std::int64_t index : indices) {
      if (index % 2 == 0) sound.push_back(static_cast<float>(index));
    }
    const auto count = static_cast<std::int64_t>(sound.size());
    return {{Tensor::from<float>({count, 1}, sound)}, {}, count};
  }
};

/// The numbers of each batch.
std::vector<std::vector<float>> batches_of(Dataset& dataset,
                                           const std::vector<std::int64_t>& indices,
                                           std::int64_t batch_size) {
  std::vector<std::vector<float>> batches;
  for_each_batch(dataset, indices, batch_size, [&](const Batch& batch) {
    batches.push_back(batch.inputs.at(0).to_floats());
  });
  return batches;
}

TEST(ForEachBatch, KeepsTheOrderAndLeavesTheRestForTheLast) {
  MemoryDataset dataset(Tensor::from<float>({5, 1}, {0, 1, 2, 3, 4}));
  EXPECT_THAT(batches_of(dataset, {4, 0, 3, 1, 2}, 2),
              ElementsAre(ElementsAre(4, 0), ElementsAre(3, 1), ElementsAre(2)));
  EXPECT_THAT(batches_of(dataset, {1, 1}, 9), ElementsAre(ElementsAre(1, 1)));
  EXPECT_THAT(batches_of(dataset, {}, 2), IsEmpty());
}

TEST(ForEachBatch, SkipsBatchesWithoutSamples) {
  HalfBroken dataset;
  EXPECT_THAT(batches_of(dataset, {0, 1, 3, 5, 2, 4}, 2),
              ElementsAre(ElementsAre(0), ElementsAre(2, 4)));
}

TEST(ForEachBatch, CountsSamplesAsItsTask) {
  HalfBroken dataset;
  std::vector<std::int64_t> done;
  for_each_batch(
      dataset,
      {0, 2, 1, 3, 4},
      2,
      [](const Batch&) {},
      "features",
      [&](const ProgressEvent& event) {
        EXPECT_EQ(event.task, "features");
        EXPECT_EQ(event.total, 5);
        done.push_back(event.done);
      });
  EXPECT_THAT(done, ElementsAre(2, 4, 5)) << "broken samples are done, too";
}

TEST(ForEachBatch, EndsWithTheFirstException) {
  HalfBroken dataset;
  int used = 0;
  const auto use = [&](const Batch&) {
    if (++used == 2) throw DataError("use", "enough");
  };
  EXPECT_THROW(for_each_batch(dataset, {0, 2, 4, 6, 8}, 1, use), DataError);
  EXPECT_EQ(used, 2);
}

TEST(ForEachBatch, RefusesBatchesOfNoSamples) {
  HalfBroken dataset;
  EXPECT_THROW(for_each_batch(dataset, {0}, 0, [](const Batch&) {}), ConfigError);
}

}  // namespace
}  // namespace ompq::data
