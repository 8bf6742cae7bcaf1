#include "ompq/report/event_file.h"

#include <bit>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::report {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::SizeIs;

template <typename Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.substr(at, sizeof number).data(), sizeof number);
  return number;
}

/// The inverse of the framing's mask.
std::uint32_t unmasked(std::uint32_t masked) { return std::rotl(masked - 0xa282ead8U, 15); }

/// Takes the framing apart; every checksum must fit.
std::vector<std::string> events_in(const std::string& file) {
  std::vector<std::string> events;
  std::string_view rest = file;
  while (!rest.empty()) {
    const auto length = number_at<std::uint64_t>(rest, 0);
    EXPECT_EQ(unmasked(number_at<std::uint32_t>(rest, 8)), crc32c(rest.substr(0, 8)));
    const std::string_view event = rest.substr(12, length);
    EXPECT_EQ(unmasked(number_at<std::uint32_t>(rest, 12 + length)), crc32c(event));
    events.emplace_back(event);
    rest.remove_prefix(16 + length);
  }
  return events;
}

/// The event after its first field, the wall time (a key byte and a double).
std::string without_time(const std::string& event) {
  EXPECT_EQ(event[0], 1 << 3 | 1);
  EXPECT_GT(number_at<double>(event, 1), 1e9);
  return event.substr(9);
}

TEST(Crc32c, GivesThePublishedValues) {
  // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(EventFile, BeginsWithItsVersionAndTheStepFromWhichItCounts) {
  const TemporaryDirectory folder;
  const EventFile file(folder / "logs", 300);
  EXPECT_THAT(file.path().filename().string(), ::testing::StartsWith("events.out.tfevents."));
  const auto events = events_in(read_file(file.path()));
  ASSERT_THAT(events, SizeIs(2));
  using namespace std::string_literals;
  EXPECT_EQ(without_time(events[0]), "\x10\x00\x1a\x0d"s + "brain.Event:2");
  EXPECT_EQ(without_time(events[1]), "\x10\xac\x02\x3a\x02\x08\x01"s);  // 300 = 0xac 0x02
}

TEST(EventFile, HoldsScalarsAsTheMessagesSay) {
  const TemporaryDirectory folder;
  EventFile file(folder.path(), 0);
  file.write(5, std::vector<Scalar>{{"loss", 1.5}, {"x", -2.0}});
  const auto events = events_in(read_file(file.path()));
  ASSERT_THAT(events, SizeIs(3));
  using namespace std::string_literals;
  // step 5; summary of 11 + 2 and 8 + 2 bytes; 1.5F = 0x3fc00000, -2.0F = 0xc0000000.
  EXPECT_EQ(without_time(events[2]),
            "\x10\x05\x2a\x17"s + "\x0a\x0b\x0a\x04loss\x15\x00\x00\xc0\x3f"s +
                "\x0a\x08\x0a\x01x\x15\x00\x00\x00\xc0"s);
}

TEST(EventFile, NeverOverwritesAnother) {
  const TemporaryDirectory folder;
  const EventFile first(folder.path(), 0);
  const EventFile second(folder.path(), 7);
  EXPECT_NE(first.path(), second.path());
  EXPECT_LT(first.path(), second.path());
}

TEST(EventFile, NamesAPlaceThatCannotBeWritten) {
  const TemporaryDirectory folder;
  write_file_atomically(folder / "taken", "text");
  EXPECT_THROW(EventFile(folder.path() / "taken" / "logs", 0), FileError);
}

TEST(ScalarsOf, LeavesOutWhatIsAbsent) {
  EpochRecord record{.epoch = 1, .learning_rate = 0.5, .train_loss = 2, .images_per_second = 9};
  EXPECT_THAT(scalars_of(record),
              ElementsAre(Scalar("learning_rate", 0.5),
                          Scalar("train/loss", 2),
                          Scalar("train/images_per_second", 9)));
  record.validation_top1 = 0.25;
  EXPECT_EQ(scalars_of(record).back(), Scalar("validation/top1", 0.25));
}

}  // namespace
}  // namespace ompq::report
