#include "ompq/core/unfinished_file.h"

#include <climits>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;

std::string made(const fs::path& file) {
  std::ofstream(file) << "half";
  return file.string();
}

TEST(RemoveUnfinishedFiles, RemovesThoseThatAreDeclared) {
  const testing::TemporaryDirectory folder;
  const std::string other = made(folder / "other");
  const UnfinishedFile first(made(folder / "first"));
  const UnfinishedFile second(made(folder / "second"));
  const UnfinishedFile missing((folder / "missing").string());
  remove_unfinished_files();
  EXPECT_FALSE(fs::exists(folder / "first"));
  EXPECT_FALSE(fs::exists(folder / "second"));
  EXPECT_TRUE(fs::exists(other));
}

TEST(RemoveUnfinishedFiles, LeavesFinishedFiles) {
  const testing::TemporaryDirectory folder;
  const std::string file = made(folder / "file");
  { const UnfinishedFile unfinished(file); }
  remove_unfinished_files();
  EXPECT_TRUE(fs::exists(file));
}

TEST(UnfinishedFile, KnowsTheNameThatMkstempMakes) {
  const testing::TemporaryDirectory folder;
  UnfinishedFile unfinished((folder / "file.XXXXXX").string());
  const int descriptor = ::mkstemp(unfinished.name());
  ASSERT_GE(descriptor, 0);
  ::close(descriptor);
  ASSERT_TRUE(fs::exists(unfinished.name()));
  remove_unfinished_files();
  EXPECT_FALSE(fs::exists(unfinished.name()));
}

TEST(UnfinishedFile, HoldsAnyNameAndAnyNumberOfThem) {
  const testing::TemporaryDirectory folder;
  const std::string endless(PATH_MAX + 10, 'x');
  UnfinishedFile too_long(endless);
  EXPECT_EQ(endless, too_long.name());
  std::deque<UnfinishedFile> many;
  for (int i = 0; i < 300; ++i) many.emplace_back(made(folder / std::to_string(i)));
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(many[static_cast<std::size_t>(i)].name(), (folder / std::to_string(i)).string());
  }
  many.clear();
  const UnfinishedFile next(made(folder / "next"));
  remove_unfinished_files();
  EXPECT_FALSE(fs::exists(folder / "next")) << "a place was not given back";
}

}  // namespace
}  // namespace ompq
