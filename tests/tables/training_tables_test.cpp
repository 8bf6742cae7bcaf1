#include "ompq/tables/training_tables.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::tables {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

report::EpochRecord second_epoch() {
  return {.epoch = 2,
          .step = 100,
          .learning_rate = 0.0125,
          .train_loss = 0.5,
          .train_accuracy = 0.9,
          .validation_top1 = 0.875,
          .images_per_second = 1234.4,
          .seconds = 40.25,
          .best_epoch = 2};
}

TEST(EpochLine, IsAsWideAsItsHeading) {
  const std::string heading = epoch_heading();
  const std::string line = epoch_line(second_epoch());
  EXPECT_EQ(
      line,
      "    2     0.0125    0.5000   90.00 %         -   87.50 %          -      1234     40.2  "
      "*\n");
  // Right-aligned: each column ends where its title ends.
  for (const char* title :
       {"epoch", "rate", " loss", "train", "val loss", "agreement", "images/s", "seconds"}) {
    const std::size_t end = heading.find(title) + std::string(title).size();
    EXPECT_NE(line[end - 1], ' ') << title;
    EXPECT_EQ(line[end], ' ') << title;
  }
}

TEST(EpochLine, MarksOnlyTheBestEpoch) {
  report::EpochRecord record = second_epoch();
  record.best_epoch = 1;
  EXPECT_THAT(epoch_line(record), Not(HasSubstr("*")));
}

report::Finetuning two_epochs() {
  report::Finetuning result{.trained_on = {.source = "images", .split = "train", .count = 50000},
                            .best_epoch = 2};
  result.epochs = {second_epoch(), second_epoch()};
  return result;
}

TEST(FinetuningText, EndsWithHowItWasTrained) {
  const std::string text = finetuning_text(two_epochs());
  EXPECT_THAT(text,
              HasSubstr("\ntrained with 50000 samples of images (train)\n"
                        "2 epochs, the best was 2\n"));
  EXPECT_THAT(text, HasSubstr("chosen on the evaluation samples, so its result is optimistic"));
}

TEST(FinetuningText, SaysThatNoEpochWasBetter) {
  report::Finetuning result = two_epochs();
  result.epochs.pop_back();
  result.best_epoch = 0;
  result.resumed_epochs = 1;
  result.stopped_early = true;
  EXPECT_THAT(finetuning_text(result),
              AllOf(HasSubstr("1 epoch, none better than the initial network; try a lower --lr"),
                    HasSubstr("; 1 of them in earlier runs; stopped early: no improvement\n")));
}

}  // namespace
}  // namespace ompq::tables
