#include "ompq/core/output_files.h"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class OutputFilesTest : public ::testing::Test {
 protected:
  testing::TemporaryDirectory folder_;

  fs::path write(const std::string& name) {
    std::ofstream(folder_ / name) << name;
    return folder_ / name;
  }
  /// The message of the ConfigError for an output at `path`.
  std::string refusal(const fs::path& path, const std::vector<NamedFile>& read = {}) {
    const std::vector<NamedFile> written{{"--output", path}};
    try {
      check_output_files(written, read);
    } catch (const ConfigError& error) {
      return error.what();
    }
    ADD_FAILURE() << path << " was accepted";
    return "";
  }
  void accept(const std::vector<NamedFile>& written, const std::vector<NamedFile>& read = {}) {
    EXPECT_NO_THROW(check_output_files(written, read));
  }
};

TEST_F(OutputFilesTest, AcceptNewFilesAndOldOnesAndDanglingLinks) {
  fs::create_symlink("nowhere", folder_ / "link");
  accept({{"--output", folder_ / "new"}, {"--result", write("old")}, {"--log", folder_ / "link"}},
         {{"MODEL", write("model")}, {"--data", folder_.path()}});
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

TEST_F(OutputFilesTest, AreNotWhatIsReadByAnyName) {
  const fs::path model = write("model.onnx");
  const std::vector<NamedFile> read{{"MODEL", model}};
  fs::create_symlink("model.onnx", folder_ / "soft.onnx");
  fs::create_hard_link(model, folder_ / "hard.onnx");
  for (const std::string name : {"model.onnx", "./model.onnx", "soft.onnx", "hard.onnx"}) {
    EXPECT_THAT(refusal(folder_ / name, read),
                AllOf(HasSubstr(name), HasSubstr("the same file as MODEL")));
  }
}

TEST_F(OutputFilesTest, AreNotFoldersPipesOrDevicesThroughLinksEither) {
  fs::create_directory(folder_ / "results");
  fs::create_symlink("results", folder_ / "link");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder_ / "results"), HasSubstr("is a folder"));
  EXPECT_THAT(refusal(folder_ / "link"), HasSubstr("is a folder"));
  EXPECT_THAT(refusal(folder_ / "pipe"), HasSubstr("is a named pipe"));
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("is a device"));
}

TEST_F(OutputFilesTest, AreNotEachOther) {
  const std::vector<NamedFile> written{{"--output", folder_ / "out"},
                                       {"--result", folder_ / "." / "out"}};
  try {
    check_output_files(written, {});
    FAIL() << "two outputs were one file";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("--result"), HasSubstr("is also --output")));
  }
}

TEST_F(OutputFilesTest, AreNotEachOtherInAnotherSpellingOfWhatIsNotThereYet) {
  const std::string name = "not-there-yet.onnx";
  const fs::path whole = fs::current_path() / name;
  for (const fs::path& other :
       {fs::path("./" + name), whole, fs::path("../") / fs::current_path().filename() / name}) {
    const std::vector<NamedFile> written{{"--output", name}, {"--result", other}};
    EXPECT_THROW(check_output_files(written, {}), ConfigError) << other;
  }
}

TEST_F(OutputFilesTest, AreNotTheNameOfAnOpenFile) {
  const fs::path model = write("model.onnx");
  const int file = ::open(model.c_str(), O_RDWR);
  ASSERT_GE(file, 0);
  for (const std::string folder : {"/dev/fd/", "/proc/self/fd/"}) {
    EXPECT_THAT(refusal(folder + std::to_string(file)), HasSubstr("names an open file"));
  }
  ::close(file);
}

TEST_F(OutputFilesTest, MayReplaceAFileInAFolderOfDevices) {
  // /dev/shm is a folder like others.
  const fs::path file = "/dev/shm/ompq-output-files-test";
  std::ofstream(file) << "old";
  if (!fs::exists(file)) GTEST_SKIP() << "there is no /dev/shm";
  EXPECT_NO_THROW(check_output_files(std::vector<NamedFile>{{"--output", file}}, {}));
  fs::remove(file);
}

TEST_F(OutputFilesTest, MayBeFolders) {
  const fs::path file = write("runs.txt");
  const auto folder = [](const fs::path& path) {
    return std::vector<NamedFile>{{"--tensorboard", path, true}};
  };
  EXPECT_NO_THROW(check_output_files(folder(folder_ / "new" / "runs"), {}));
  EXPECT_NO_THROW(check_output_files(folder(folder_ / "."), {}));
  EXPECT_THROW(check_output_files(folder(file), {}), ConfigError);
  EXPECT_THROW(check_output_files(folder(file / "runs"), {}), FileError);
}

TEST_F(OutputFilesTest, AreNotEachOtherThroughALinkToWhatIsNotThereYet) {
  fs::create_symlink("out", folder_ / "link");
  const std::vector<NamedFile> written{{"--output", folder_ / "out"},
                                       {"--result", folder_ / "link"}};
  EXPECT_THROW(check_output_files(written, {}), ConfigError);
}

TEST_F(OutputFilesTest, LinkedIntoAMissingFolderAreRefused) {
  fs::create_symlink("missing/out", folder_ / "link");
  const std::vector<NamedFile> written{{"--output", folder_ / "link"}};
  EXPECT_THROW(check_output_files(written, {}), FileError);
}

TEST_F(OutputFilesTest, StandInAFolderThatIsThere) {
  write("file");
  for (const std::string name : {"missing/out.onnx", "file/out.onnx"}) {
    const std::vector<NamedFile> written{{"--output", folder_ / name}};
    try {
      check_output_files(written, {});
      ADD_FAILURE() << name << " was accepted";
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(name), HasSubstr("folder")));
    }
  }
}

TEST_F(OutputFilesTest, HaveNamesThatTheFileSystemTakes) {
  accept({{"--output", folder_ / std::string(255, 'n')}});
  const std::vector<NamedFile> written{{"--output", folder_ / std::string(256, 'n')}};
  EXPECT_THROW(check_output_files(written, {}), FileError);
}

TEST_F(OutputFilesTest, AreNotProtectedFiles) {
  const fs::path file = write("protected");
  fs::permissions(file, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(folder_.path(), fs::perms::all);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(2);  // root may write any file
    const std::vector<NamedFile> written{{"--output", file}};
    try {
      check_output_files(written, {});
    } catch (const FileError& error) {
      ::_exit(std::string(error.what()).find("Permission denied") == std::string::npos ? 3 : 0);
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "1: it was accepted; 2: the child remained root; 3: another message";
}

}  // namespace
}  // namespace ompq
