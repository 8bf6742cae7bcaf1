#include "ompq/report/epoch_log.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::report {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::HasSubstr;

EpochRecord record_of(std::int64_t epoch) {
  return {.epoch = epoch,
          .step = 100 * epoch,
          .learning_rate = 0.1 / static_cast<double>(epoch),
          .train_loss = 2.5,
          .train_accuracy = 0.5,
          .validation_loss = 2.25,
          .validation_top1 = 0.625,
          .images_per_second = 1234.5,
          .seconds = 12,
          .best_epoch = 1,
          .best = 0.75};
}

TEST(EpochRecord, IsOneLineOfJson) {
  EXPECT_EQ(
      to_json_line(record_of(2)),
      R"({"epoch":2,"step":200,"learning_rate":0.05,"train_loss":2.5,"train_accuracy":0.5,)"
      R"("validation_loss":2.25,"validation_top1":0.625,"validation_agreement":null,"images_per_second":1234.5,)"
      R"("seconds":12.0,"best_epoch":1,"best":0.75})");
}

TEST(EpochRecord, SaysNullForWhatIsAbsentOrNoNumber) {
  EpochRecord record = record_of(1);
  record.train_loss = std::nan("");
  record.validation_loss = std::numeric_limits<double>::infinity();
  record.validation_top1.reset();
  const std::string line = to_json_line(record);
  EXPECT_THAT(line, HasSubstr("\"train_loss\":null"));
  EXPECT_THAT(line, HasSubstr("\"validation_loss\":null"));
  EXPECT_THAT(line, HasSubstr("\"validation_top1\":null"));
}

TEST(EpochLog, ComesBackAsItWas) {
  const TemporaryDirectory folder;
  EpochLog log(folder / "log", 1);
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) log.append(record_of(epoch));
  const auto records = read_epoch_log(folder / "log");
  ASSERT_EQ(records.size(), 3U);
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    EXPECT_EQ(to_json_line(records[static_cast<std::size_t>(epoch - 1)]),
              to_json_line(record_of(epoch)));
  }
}

TEST(EpochLog, GoesOnAfterTheEpochsThatCountAndDropsTheRest) {
  const TemporaryDirectory folder;
  {
    EpochLog log(folder / "log", 1);
    for (std::int64_t epoch = 1; epoch <= 3; ++epoch) log.append(record_of(epoch));
  }
  const std::string whole = read_file(folder / "log");
  write_file_atomically(folder / "log", whole + "{\"epoch\": 4, \"st");  // a kill's torn line
  EpochLog log(folder / "log", 3);
  log.append(record_of(3));
  EXPECT_EQ(read_file(folder / "log"), whole);
}

TEST(EpochLog, BeginsAnewWhereNothingWasTrained) {
  const TemporaryDirectory folder;
  { EpochLog(folder / "log", 1).append(record_of(1)); }
  const EpochLog again(folder / "log", 1);
  EXPECT_EQ(read_file(folder / "log"), "");
}

TEST(EpochLog, LeavesAFileOfAnotherKindAlone) {
  const TemporaryDirectory folder;
  write_file_atomically(folder / "log", "my notes\n");
  EXPECT_THROW(EpochLog(folder / "log", 1), DataError);
  EXPECT_EQ(read_file(folder / "log"), "my notes\n");
}

TEST(EpochLog, RefusesALogWithMissingEpochs) {
  const TemporaryDirectory folder;
  { EpochLog(folder / "log", 1).append(record_of(1)); }
  EXPECT_THROW(EpochLog(folder / "log", 4), DataError);
  EXPECT_THROW(EpochLog(folder / "missing", 2), FileError);
}

TEST(EpochLog, TakesEpochsInOrderAlone) {
  const TemporaryDirectory folder;
  EpochLog log(folder / "log", 1);
  EXPECT_THROW(log.append(record_of(2)), InternalError);
}

TEST(EpochLog, NamesAPlaceThatCannotBeWritten) {
  const TemporaryDirectory folder;
  EXPECT_THROW(EpochLog(folder.path() / "missing" / "log", 1), FileError);
}

}  // namespace
}  // namespace ompq::report
