#include "ompq/core/atomic_file.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ompq/core/error.h"
#include "support/file_size_limit.h"
#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

/// The message of the FileError that `work` must throw.
std::string file_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const FileError& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(WriteFileAtomically, WritesAndReplacesAndLeavesNothingElse) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder / "a b.json";
  write_file_atomically(target, "first");
  EXPECT_EQ(read_file(target), "first");
  const std::string second(100'000, 'x');
  write_file_atomically(target, second);
  EXPECT_EQ(read_file(target), second);
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, GivesTheModeOfAnyOtherNewFile) {
  const testing::TemporaryDirectory folder;
  const mode_t before = ::umask(0027);
  write_file_atomically(folder / "file", "text");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(WriteFileAtomically, NamesAMissingFolder) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder.path() / "missing" / "file";
  const std::string message = file_error([&] { write_file_atomically(target, "text"); });
  EXPECT_THAT(message, HasSubstr(target.string()));
  EXPECT_THAT(message, HasSubstr("No such file or directory"));
}

TEST(WriteFileAtomically, NamesAFolderThatIsAFile) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "file", "text");
  const std::string message =
      file_error([&] { write_file_atomically(folder.path() / "file" / "below", "text"); });
  EXPECT_THAT(message, HasSubstr("Not a directory"));
}

TEST(WriteFileAtomically, RefusesAReadOnlyPlace) {
  // A folder that nobody may write to, root included.
  const std::string message = file_error([] { write_file_atomically("/proc/ompq-test", "text"); });
  EXPECT_THAT(message, HasSubstr("[/proc/ompq-test] cannot write next to it"));
}

TEST(WriteFileAtomically, LeavesAFolderOfThatNameAlone) {
  const testing::TemporaryDirectory folder;
  fs::create_directory(folder / "taken");
  const std::string message = file_error([&] { write_file_atomically(folder / "taken", "text"); });
  EXPECT_THAT(message, HasSubstr("is a folder"));
  EXPECT_TRUE(fs::is_directory(folder / "taken"));
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, LeavesAPipeAndADeviceAlone) {
  const testing::TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "link");
  for (const fs::path& target : {folder / "pipe", folder / "link", fs::path("/dev/null")}) {
    EXPECT_THAT(file_error([&] { write_file_atomically(target, "text"); }),
                HasSubstr("not a regular file"))
        << target;
  }
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(files_in(folder.path()), 2);
}

TEST(WriteFileAtomically, WritesTheLongestName) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder / std::string(255, 'n');
  write_file_atomically(target, "text");
  EXPECT_EQ(read_file(target), "text");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, KeepsTheModeOfTheFileThatItReplaces) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "file", "secret");
  fs::permissions(folder / "file", fs::perms::owner_read | fs::perms::owner_write);
  write_file_atomically(folder / "file", "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(WriteFileAtomically, ReplacesWhatALinkLeadsToAndKeepsTheLink) {
  const testing::TemporaryDirectory folder;
  fs::create_directory(folder / "real");
  write_file_atomically(folder / "real" / "file", "old");
  fs::create_symlink("real/file", folder / "first");
  fs::create_symlink(folder / "first", folder / "second");
  fs::create_symlink("real/new", folder / "dangling");
  write_file_atomically(folder / "second", "new");
  write_file_atomically(folder / "dangling", "made");
  EXPECT_EQ(read_file(folder / "real" / "file"), "new");
  EXPECT_EQ(read_file(folder / "real" / "new"), "made");
  for (const char* link : {"first", "second", "dangling"}) {
    EXPECT_TRUE(fs::is_symlink(folder / link)) << link;
  }
  EXPECT_EQ(files_in(folder / "real"), 2);
  EXPECT_EQ(files_in(folder.path()), 4);
}

TEST(WriteFileAtomically, RefusesLinksThatLeadInACircle) {
  const testing::TemporaryDirectory folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  EXPECT_THAT(file_error([&] { write_file_atomically(folder / "a", "text"); }),
              HasSubstr("form a cycle"));
}

TEST(WriteFileAtomically, KeepsTheOldFileWhereTheDiskIsFull) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder / "file";
  write_file_atomically(target, "old");
  std::string message;
  {
    const testing::FileSizeLimit limit(1000);
    message = file_error([&] { write_file_atomically(target, std::string(5000, 'x')); });
  }
  EXPECT_THAT(message, HasSubstr("cannot write: File too large"));
  EXPECT_EQ(read_file(target), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFilesAtomically, WritesEachUnderItsName) {
  const testing::TemporaryDirectory folder;
  const NewFile files[] = {{folder / "data", "elements"}, {folder / "model", "nodes"}};
  write_files_atomically(files);
  EXPECT_EQ(read_file(folder / "data"), "elements");
  EXPECT_EQ(read_file(folder / "model"), "nodes");
  EXPECT_EQ(files_in(folder.path()), 2);
}

TEST(WriteFilesAtomically, RenamesNoneBeforeAllAreWhole) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "data", "old");
  const std::string large(5000, 'x');
  const NewFile files[] = {{folder / "data", "new"}, {folder / "model", large}};
  std::string message;
  {
    const testing::FileSizeLimit limit(1000);
    message = file_error([&] { write_files_atomically(files); });
  }
  EXPECT_THAT(message, HasSubstr("cannot write: File too large"));
  EXPECT_EQ(read_file(folder / "data"), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(ReadFile, ReturnsEveryByte) {
  const testing::TemporaryDirectory folder;
  std::string bytes(70'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  write_file_atomically(folder / "file", bytes);
  EXPECT_EQ(read_file(folder / "file"), bytes);
  write_file_atomically(folder / "empty", "");
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(ReadFile, RefusesDevicesThatDoNotEnd) {
  EXPECT_THAT(file_error([] { static_cast<void>(read_file("/dev/zero", 1'000'000)); }),
              HasSubstr("is a pipe or device that gives more than"));
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "file", std::string(2000, 'x'));
  EXPECT_EQ(read_file(folder / "file", 1000).size(), 2000U);  // the limit is not for files
}

TEST(ReadFile, NamesWhatCannotBeRead) {
  const testing::TemporaryDirectory folder;
  EXPECT_THAT(file_error([&] { static_cast<void>(read_file(folder / "missing")); }),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(file_error([&] { static_cast<void>(read_file(folder.path())); }),
              HasSubstr("is a directory"));
}

}  // namespace
}  // namespace ompq
