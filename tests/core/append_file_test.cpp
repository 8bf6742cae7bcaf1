#include "ompq/core/append_file.h"

#include <fstream>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/file_size_limit.h"
#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using enum AppendFile::Create;

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const FileError& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(AppendFile, GrowsAcrossObjects) {
  const testing::TemporaryDirectory folder;
  const fs::path path = folder / "log";
  AppendFile(path, IfMissing, "").append("one\n");
  AppendFile again(path, IfMissing, "");
  EXPECT_EQ(again.bytes(), 4U);
  again.append("two\n");
  again.flush_to_disk();
  EXPECT_EQ(again.read(), "one\ntwo\n");
  again.truncate(4);
  again.append("three\n");
  EXPECT_EQ(read_file(path), "one\nthree\n");
  EXPECT_EQ(again.bytes(), 10U);
}

TEST(AppendFile, RemovesARecordThatTheDiskDoesNotHold) {
  const testing::TemporaryDirectory folder;
  AppendFile file(folder / "log", IfMissing, "choose another disk");
  file.append(std::string(900, 'a'));
  std::string message;
  {
    const testing::FileSizeLimit limit(1000);
    message = error_of([&] { file.append(std::string(500, 'b')); });
  }
  EXPECT_THAT(message,
              AllOf(HasSubstr("log]"), HasSubstr("File too large"), HasSubstr("another disk")));
  EXPECT_EQ(read_file(folder / "log"), std::string(900, 'a'));
  file.append("c");
  EXPECT_EQ(read_file(folder / "log"), std::string(900, 'a') + "c");
}

TEST(AppendFile, IsForOneProcessOnceLocked) {
  const testing::TemporaryDirectory folder;
  AppendFile first(folder / "log", IfMissing, "");
  AppendFile second(folder / "log", IfMissing, "");
  EXPECT_TRUE(first.lock());
  EXPECT_FALSE(second.lock());
  { const AppendFile closed = std::move(first); }
  EXPECT_TRUE(second.lock());
}

TEST(AppendFile, RefusesWhatIsNoFile) {
  const testing::TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const fs::path& path : {folder / "", folder / "pipe", fs::path("/dev/null")}) {
    EXPECT_THAT(error_of([&] { AppendFile(path, IfMissing, "choose another file"); }),
                HasSubstr("choose another file"));
  }
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
}

TEST(AppendFile, FollowsLinksAndRefusesAnExistingFileIfItMustBeNew) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "there", "old");
  fs::create_symlink("there", folder / "link");
  AppendFile(folder / "link", IfMissing, "").append("er");
  EXPECT_EQ(read_file(folder / "there"), "older");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_THAT(error_of([&] { AppendFile(folder / "there", Always, "choose another"); }),
              HasSubstr("File exists; choose another"));
  EXPECT_EQ(read_file(folder / "there"), "older");
}

TEST(MoveAside, TakesTheFirstNameThatIsFree) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "state", "a");
  fs::create_symlink("nowhere", folder / "state.1");  // a name that is taken, without a file
  EXPECT_EQ(move_aside(folder / "state"), folder / "state.2");
  EXPECT_FALSE(fs::exists(folder / "state"));
  EXPECT_EQ(read_file(folder / "state.2"), "a");
  EXPECT_THAT(error_of([&] { (void)move_aside(folder / "state"); }), HasSubstr("cannot be moved"));
}

}  // namespace
}  // namespace ompq
