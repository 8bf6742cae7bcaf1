#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "onnx_io/small_network.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Files may grow to `bytes` in this scope: what a disk that fills up half-way looks like.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

/// The rights of an ordinary user in this scope: nobody's where the tests run as root.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    if (was_ == 0 && ::seteuid(65534) != 0)
      throw std::runtime_error("cannot give up root's rights");
  }
  ~OrdinaryUser() {
    if (was_ == 0 && ::seteuid(0) != 0) std::abort();
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  uid_t was_ = ::geteuid();
};

std::string refusal(const fs::path& target) {
  try {
    export_onnx(testing::small_network(), target);
  } catch (const FileError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(WritingAModel, ToADiskThatFillsUpLeavesNothing) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder / "net.onnx";
  std::string message;
  {
    const SmallDisk disk(1000);
    message = refusal(target);
  }
  EXPECT_THAT(message, AllOf(HasSubstr("net.onnx]"), HasSubstr("cannot write")));
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(WritingAModel, ToADiskThatFillsUpKeepsTheOldFile) {
  const testing::TemporaryDirectory folder;
  const fs::path target = folder / "net.onnx";
  write_file_atomically(target, std::string_view("the old network"));
  {
    const SmallDisk disk(1000);
    (void)refusal(target);
  }
  EXPECT_EQ(read_file(target), "the old network");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(WritingAModel, ToAReadOnlyFolderIsRefused) {
  const testing::TemporaryDirectory folder;
  fs::permissions(folder.path(),
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
                      fs::perms::others_exec);
  std::string message;
  {
    const OrdinaryUser user;
    message = refusal(folder / "net.onnx");
  }
  EXPECT_THAT(message, AllOf(HasSubstr("net.onnx]"), HasSubstr("Permission denied")));
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(WritingAModel, ToAFolderThatIsNotThereIsRefused) {
  const testing::TemporaryDirectory folder;
  EXPECT_THAT(refusal(folder / "none" / "net.onnx"), HasSubstr("No such file or directory"));
}

TEST(WritingAModel, OverADirectoryIsRefused) {
  const testing::TemporaryDirectory folder;
  fs::create_directory(folder / "net.onnx");
  EXPECT_THAT(refusal(folder / "net.onnx"), HasSubstr("is a folder, not a regular file"));
  EXPECT_EQ(files_in(folder.path()), 1U);
}

}  // namespace
}  // namespace ompq::onnx_io
