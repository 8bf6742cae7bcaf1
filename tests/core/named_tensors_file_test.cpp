#include "ompq/core/named_tensors_file.h"

#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kFormat = "ompq-test/1";

NamedTensors small_content() {
  NamedTensors content{.format = std::string(kFormat),
                       .fingerprint = "model 12, data 34",
                       .options = {{"--lr", "0.1"}, {"--epochs", "9"}},
                       .metadata = "{\"step\": 7}"};
  content.tensors.emplace_back("layer/weight", Tensor::from<float>({2, 2}, {1.5F, -0.0F, 3, 4}));
  content.tensors.emplace_back("steps", Tensor::scalar<std::int64_t>(-5));
  content.tensors.emplace_back("none", Tensor(DataType::Float32, {0, 3}));
  return content;
}

/// The file's bytes with a right checksum after them, whatever they hold.
std::string with_checksum(std::string bytes) { return bytes + sha256(bytes); }

std::string message_of_reading(const fs::path& file) {
  try {
    static_cast<void>(read_named_tensors(file, kFormat));
  } catch (const DataError& error) {
    return error.what();
  }
  return "no DataError";
}

TEST(NamedTensors, ComeBackAsTheyWere) {
  const testing::TemporaryDirectory folder;
  const NamedTensors written = small_content();
  write_named_tensors(folder / "state", written);
  const NamedTensors read = read_named_tensors(folder / "state", kFormat);
  EXPECT_EQ(read.format, written.format);
  EXPECT_EQ(read.fingerprint, written.fingerprint);
  EXPECT_EQ(read.options, written.options);
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (std::size_t t = 0; t < written.tensors.size(); ++t) {
    EXPECT_EQ(read.tensors[t].first, written.tensors[t].first);
    EXPECT_TRUE(read.tensors[t].second.equals(written.tensors[t].second)) << t;
  }
}

TEST(NamedTensors, OfEveryTypeComeBack) {
  const testing::TemporaryDirectory folder;
  NamedTensors content{.format = std::string(kFormat)};
  for (int type = 0; type <= static_cast<int>(DataType::Bool); ++type) {
    Tensor tensor(static_cast<DataType>(type), {3, 1});
    tensor.mutable_bytes().front() = std::byte{1};
    content.tensors.emplace_back(std::to_string(type), tensor);
  }
  write_named_tensors(folder / "state", content);
  const NamedTensors read = read_named_tensors(folder / "state", kFormat);
  for (std::size_t t = 0; t < content.tensors.size(); ++t) {
    EXPECT_TRUE(read.tensors.at(t).second.equals(content.tensors[t].second)) << t;
  }
}

TEST(NamedTensors, OfEqualContentAreEqualFiles) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "a", small_content());
  write_named_tensors(folder / "b", small_content());
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(NamedTensors, MayNotShareAName) {
  const testing::TemporaryDirectory folder;
  NamedTensors content = small_content();
  content.tensors.push_back(content.tensors.front());
  EXPECT_THROW(write_named_tensors(folder / "state", content), ConfigError);
  EXPECT_FALSE(fs::exists(folder / "state"));
}

TEST(NamedTensors, RefuseEveryFlippedBitAndEveryCut) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "state", small_content());
  const std::string whole = read_file(folder / "state");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    write_file_atomically(folder / "bad", flipped);
    ASSERT_THAT(message_of_reading(folder / "bad"), HasSubstr((folder / "bad").string())) << at;
    write_file_atomically(folder / "bad", whole.substr(0, at));
    ASSERT_THAT(message_of_reading(folder / "bad"), HasSubstr((folder / "bad").string())) << at;
  }
}

TEST(NamedTensors, SayWhatIsWrongWithAFile) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "state", small_content());
  const std::string whole = read_file(folder / "state");
  write_file_atomically(folder / "text", "hello");
  EXPECT_THAT(message_of_reading(folder / "text"), HasSubstr("is not a checkpoint of ompq"));
  write_file_atomically(folder / "cut", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(message_of_reading(folder / "cut"), HasSubstr("damaged or truncated"));
  EXPECT_THROW(static_cast<void>(read_named_tensors(folder / "missing", kFormat)), FileError);
}

TEST(NamedTensors, RefuseAnotherFormat) {
  const testing::TemporaryDirectory folder;
  NamedTensors content = small_content();
  content.format = "ompq-test/2";
  write_named_tensors(folder / "state", content);
  EXPECT_THAT(message_of_reading(folder / "state"),
              AllOf(HasSubstr("\"ompq-test/2\""), HasSubstr("expected \"ompq-test/1\"")));
}

TEST(NamedTensors, RefuseNumbersThatPromiseTooMuchUnderARightChecksum) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "state", small_content());
  const std::string whole = read_file(folder / "state");
  const std::string body = whole.substr(0, whole.size() - 64);
  for (std::size_t at = 21; at + 8 <= body.size(); ++at) {
    std::string huge = body;
    huge.replace(at, 8, 8, '\xff');
    write_file_atomically(folder / "bad", with_checksum(huge));
    try {
      static_cast<void>(read_named_tensors(folder / "bad", kFormat));
    } catch (const DataError&) {
      continue;  // nothing but this, and no crash
    }
  }
  write_file_atomically(folder / "bad", with_checksum(body + "x"));
  EXPECT_THAT(message_of_reading(folder / "bad"), HasSubstr("extra bytes"));
}

TEST(NamedTensors, KeepTheOldFileWhereTheDiskIsFull) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "state", small_content());
  const std::string before = read_file(folder / "state");
  NamedTensors large = small_content();
  large.tensors.emplace_back("large", Tensor(DataType::Float32, {10'000}));
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{5000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limited);
  EXPECT_THROW(write_named_tensors(folder / "state", large), FileError);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_file(folder / "state"), before);
}

TEST(DifferenceOfRuns, IsNothingForTheSame) {
  EXPECT_EQ(difference_of_runs(small_content(), small_content()), "");
}

TEST(DifferenceOfRuns, TellsAnotherFingerprint) {
  NamedTensors now = small_content();
  now.fingerprint = "model 13";
  EXPECT_THAT(difference_of_runs(small_content(), now), HasSubstr("another model"));
}

TEST(DifferenceOfRuns, NamesEveryOptionThatDiffersWithBothValues) {
  NamedTensors now = small_content();
  now.options = {{"--lr", "0.2"}, {"--batch", "64"}};
  EXPECT_THAT(difference_of_runs(small_content(), now),
              AllOf(HasSubstr("--lr was 0.1 and is 0.2"),
                    HasSubstr("--batch was not given and is 64"),
                    HasSubstr("--epochs was 9 and is not given")));
}

TEST(IsNamedTensorsFile, LooksAtTheFirstBytesAlone) {
  const testing::TemporaryDirectory folder;
  write_named_tensors(folder / "state", small_content());
  EXPECT_TRUE(is_named_tensors_file(folder / "state"));
  write_file_atomically(folder / "cut", read_file(folder / "state").substr(0, 40));
  EXPECT_TRUE(is_named_tensors_file(folder / "cut"));
  write_file_atomically(folder / "newer", "ompq-named-tensors/2\n");
  EXPECT_TRUE(is_named_tensors_file(folder / "newer"));
  for (const char* other : {"", "ompq", "notes of the experiment, and more of them"}) {
    write_file_atomically(folder / "other", other);
    EXPECT_FALSE(is_named_tensors_file(folder / "other")) << other;
  }
}

TEST(TensorNamed, FindsOrNamesIt) {
  const NamedTensors content = small_content();
  EXPECT_EQ(tensor_named("state", content, "steps").to_int64s().front(), -5);
  try {
    static_cast<void>(tensor_named("state", content, "momentum"));
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("[state]"), HasSubstr("\"momentum\"")));
  }
}

}  // namespace
}  // namespace ompq
