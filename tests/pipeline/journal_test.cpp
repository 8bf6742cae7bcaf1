#include "ompq/pipeline/journal.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using ::testing::HasSubstr;

class JournalTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "work.journal"; }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }

 private:
  testing::TemporaryDirectory folder_;
};

TEST_F(JournalTest, LeavesNothingWhereNotEvenItsFirstLineFits) {
  const rlimit before = [] {
    rlimit now{};
    ::getrlimit(RLIMIT_FSIZE, &now);
    return now;
  }();
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  EXPECT_THROW(Journal(file(), "abc"), FileError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(JournalTest, HoldsWhatWasAppendedAfterItIsOpenedAgain) {
  {
    Journal journal(file(), "abc");
    EXPECT_EQ(journal.resumed(), 0U);
    EXPECT_FALSE(journal.find("a \"quoted\" key"));
    journal.append("a \"quoted\" key", R"({"x": 0.1})");
    journal.append("second", "[1, 2]");
  }
  const Journal journal(file(), "abc");
  EXPECT_EQ(journal.resumed(), 2U);
  EXPECT_EQ(journal.find("a \"quoted\" key"), R"({"x":0.1})");
  EXPECT_EQ(journal.find("second"), "[1,2]");
}

TEST_F(JournalTest, DropsALineThatAKillToreAndGoesOnBehindTheLastWholeOne) {
  {
    Journal journal(file(), "abc");
    journal.append("first", "1");
    journal.append("second", "2");
  }
  const std::string whole = read_file(file());
  for (std::size_t torn = 1; torn + 1 < whole.size() - whole.rfind("{\"key\""); ++torn) {
    write(whole.substr(0, whole.size() - torn));
    Journal journal(file(), "abc");
    EXPECT_EQ(journal.resumed(), 1U) << torn << " bytes torn off";
    journal.append("second", "2");
    EXPECT_EQ(read_file(file()), whole) << torn << " bytes torn off";
  }
}

TEST_F(JournalTest, BeginsAnewWhereItsVeryFirstLineIsTorn) {
  { const Journal journal(file(), "abc"); }
  const std::string header = read_file(file());
  for (std::size_t kept = 0; kept < header.size(); ++kept) {
    write(header.substr(0, kept));
    const Journal journal(file(), "abc");
    EXPECT_EQ(read_file(file()), header) << kept << " bytes kept";
  }
}

TEST_F(JournalTest, BeginsAnewWhatAnotherRunKept) {
  { Journal(file(), "abc").append("unit", "1"); }
  const std::string kept = read_file(file());
  const std::string torn = kept.substr(0, kept.find("abc") + 1);
  for (const std::string& text : {kept, torn}) {
    write(text);
    {
      const Journal journal(file(), "other");
      EXPECT_EQ(journal.resumed(), 0U) << text;
      EXPECT_FALSE(journal.find("unit")) << text;
    }
    EXPECT_THAT(read_file(file()), HasSubstr("other")) << text;
    EXPECT_THAT(read_file(file()), ::testing::Not(HasSubstr("unit"))) << text;
  }
}

TEST_F(JournalTest, RefusesTheJournalsOfVersion010AndLeavesThemAsTheyAre) {
  for (const char* name : {"compare-0.1.0.journal", "quantize-0.1.0.journal"}) {
    const std::string text = read_file(testing::source_dir() / "tests/pipeline" / name);
    write(text);
    try {
      const Journal journal(file(), "abc");
      ADD_FAILURE() << name << " was opened";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file().string() + " is a journal of another version"));
      EXPECT_THAT(error.what(), HasSubstr("ompq-journal/2"));
      EXPECT_THAT(error.what(), HasSubstr("remove the file to start again"));
    }
    EXPECT_EQ(read_file(file()), text) << name;
  }
}

TEST_F(JournalTest, LeavesAFileThatIsNoJournalAlone) {
  for (const std::string text : {"no journal", "no journal\nat all\n", "{\"format\": 1}\n"}) {
    write(text);
    EXPECT_THROW(Journal(file(), "abc"), DataError) << text;
    EXPECT_EQ(read_file(file()), text);
  }
}

TEST_F(JournalTest, DropsAUnitThatCannotBeUsedAndThoseAfterIt) {
  {
    Journal journal(file(), "abc");
    for (const char* key : {"first", "second", "third"}) journal.append(key, "1");
  }
  const std::string whole = read_file(file());
  Journal journal(file(), "abc");
  const auto number = [](const std::string& text) { return std::stoi(text); };
  EXPECT_EQ(journal.take("first", number), 1);
  EXPECT_EQ(journal.take("missing", number), std::nullopt);
  const auto refused = journal.take("second", [](const std::string&) -> int {
    throw DataError("unit", "is not what it should be");
  });
  EXPECT_EQ(refused, std::nullopt);
  EXPECT_FALSE(journal.find("second"));
  EXPECT_FALSE(journal.find("third"));
  EXPECT_EQ(journal.size(), 1U);
  journal.append("second", "1");
  journal.append("third", "1");
  EXPECT_EQ(read_file(file()), whole);
}

TEST_F(JournalTest, DropsWhatIsNoUnit) {
  { Journal(file(), "abc").append("first", "1"); }
  const std::string kept = read_file(file());
  std::string deep = "{\"key\":\"second\",\"value\":";
  deep += std::string(200'000, '[') + std::string(200'000, ']') + "}";
  for (const std::string& line : {deep,
                                  std::string("{\"key\":\"first\",\"value\":2}"),
                                  std::string("{\"key\":3,\"value\":2}"),
                                  std::string("{\"key\":\"second\"}"),
                                  std::string("{\"key\":\"\",\"value\":2}"),
                                  std::string("[\"key\", \"value\"]"),
                                  std::string("null"),
                                  std::string("{\"key\":\"second\",\"value\":1e999}"),
                                  std::string("\xff\xfe")}) {
    write(kept + line + "\n{\"key\":\"later\",\"value\":1}\n");
    const Journal journal(file(), "abc");
    EXPECT_EQ(journal.resumed(), 1U) << line.substr(0, 60);
    EXPECT_EQ(journal.find("first"), "1") << line.substr(0, 60);
    EXPECT_EQ(read_file(file()), kept) << line.substr(0, 60);
  }
}

TEST_F(JournalTest, BelongsToOneRunAtATime) {
  const Journal first(file(), "abc");
  try {
    const Journal second(file(), "abc");
    FAIL() << "two runs share a journal";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("in use by another run"));
  }
}

TEST_F(JournalTest, IsRemovedWhenTheWorkIsDone) {
  Journal journal(file(), "abc");
  journal.append("unit", "1");
  journal.finish();
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(JournalTest, SaysWhereItCannotBeOpened) {
  const auto path = file() / "below a file that is not there" / "x";
  EXPECT_THROW(Journal(path, "abc"), FileError);
}

}  // namespace
}  // namespace ompq::pipeline
