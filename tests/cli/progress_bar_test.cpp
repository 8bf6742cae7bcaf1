#include "progress_bar.h"

#include <algorithm>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::app {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Runs `use` on a bar of `style` and returns all that it wrote.
template <typename Use>
std::string written(ProgressStyle style, Use use) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  {
    ProgressBar bar(style, file.get());
    use(bar);
  }
  std::rewind(file.get());
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

/// A task of 100 units at 10 a second, reported unit by unit.
void run_task(ProgressBar& bar) {
  const ProgressBar::Clock::time_point start{};
  for (int done = 0; done <= 100; ++done) {
    bar.show({.task = "features", .done = done, .total = 100}, start + done * 100ms);
  }
}

TEST(DurationText, UsesTheUnitThatFits) {
  EXPECT_EQ(duration_text(0.4), "0 s");
  EXPECT_EQ(duration_text(48.4), "48 s");
  EXPECT_EQ(duration_text(59.9), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(7800), "2 h 10 min");
}

TEST(ProgressText, SaysRateAndTimeLeft) {
  EXPECT_EQ(progress_text({.task = "features", .done = 12, .total = 64}, 3.0),
            "features 12/64  4.0/s  13 s left");
  EXPECT_EQ(progress_text({.task = "solve", .done = 1, .total = 3, .detail = "conv1"}, 10.0),
            "solve 1/3  10.0 s each  20 s left  conv1");
  EXPECT_EQ(progress_text({.task = "features", .done = 64, .total = 64}, 16.0),
            "features 64/64  4.0/s  done in 16 s");
}

TEST(ProgressText, PromisesNothingWithoutATotalOrATime) {
  EXPECT_EQ(progress_text({.task = "read", .done = 5}, 1.0), "read 5  5.0/s");
  EXPECT_EQ(progress_text({.task = "read", .done = 5, .total = 10}, 0.0), "read 5/10");
  EXPECT_EQ(progress_text({.task = "read", .total = 10}, 7.0), "read 0/10");
}

TEST(ProgressBar, WritesNothingWhenSilent) {
  EXPECT_EQ(written(ProgressStyle::Silent, run_task), "");
}

TEST(ProgressBar, WritesAFewPlainLinesWhereThereIsNoTerminal) {
  const std::string text = written(ProgressStyle::Lines, run_task);
  // Start, one line each five of the ten seconds, end.
  EXPECT_EQ(text,
            "features 0/100\n"
            "features 50/100  10.0/s  5 s left\n"
            "features 100/100  10.0/s  done in 10 s\n");
}

TEST(ProgressBar, DrawsOneLineOverAndOverOnATerminal) {
  const std::string text = written(ProgressStyle::Bar, run_task);
  EXPECT_THAT(text, HasSubstr("[============            ]  50 %  features 50/100"));
  EXPECT_THAT(text, HasSubstr("\r\x1b[K"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_TRUE(text.ends_with("done in 10 s\n"));
}

TEST(ProgressBar, NeverFillsTheLastColumn) {
  const std::string text = written(ProgressStyle::Bar, [](ProgressBar& bar) {
    const std::string detail(300, 'x');
    bar.show({.task = "layers", .done = 1, .total = 2, .detail = detail});
  });
  EXPECT_THAT(text, HasSubstr("…\n"));
  // 79 columns, of which the ellipsis takes one (and three bytes), and the newline.
  EXPECT_EQ(text.size(), 78U + 3U + 1U);
}

TEST(ProgressBar, MakesRoomForALineOfTheLog) {
  const std::string text = written(ProgressStyle::Bar, [](ProgressBar& bar) {
    bar.show({.task = "layers", .done = 1, .total = 2});
    bar.interrupt_with("a warning\n");
  });
  const std::size_t warning = text.find("\r\x1b[Ka warning\n[");
  EXPECT_NE(warning, std::string::npos) << text;
}

TEST(ProgressBar, MeasuresATaskThatStartsAgainFromItsOwnStart) {
  const std::string text = written(ProgressStyle::Lines, [](ProgressBar& bar) {
    const ProgressBar::Clock::time_point start{};
    bar.show({.task = "run", .done = 0, .total = 10}, start);
    bar.show({.task = "run", .done = 10, .total = 10}, start + 1s);
    bar.show({.task = "run", .done = 0, .total = 10}, start + 60s);
    bar.show({.task = "run", .done = 10, .total = 10}, start + 61s);
  });
  const std::string once = "run 0/10\nrun 10/10  10.0/s  done in 1 s\n";
  EXPECT_EQ(text, once + once);
}

TEST(ProgressBar, StartsAFreshLineForEachTask) {
  const std::string text = written(ProgressStyle::Lines, [](ProgressBar& bar) {
    const ProgressBar::Clock::time_point start{};
    bar.show({.task = "one", .done = 0, .total = 2}, start);
    bar.show({.task = "two", .done = 0, .total = 2}, start + 10ms);
  });
  EXPECT_EQ(text, "one 0/2\ntwo 0/2\n");
}

}  // namespace
}  // namespace ompq::app
