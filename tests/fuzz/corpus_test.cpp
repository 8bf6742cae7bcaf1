#include <algorithm>
#include <filesystem>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fuzz/fuzz_target.h"
#include "ompq/core/atomic_file.h"
#include "support/paths.h"
#include "support/peak_memory.h"

// Each input of fuzz/corpus/TARGET is read or refused. What a fuzzer finds is added there.

namespace ompq::fuzz {

/// How GoogleTest shows a target.
void PrintTo(const Target& target, std::ostream* stream) { *stream << target.name; }

namespace {

namespace fs = std::filesystem;

fs::path corpus() { return testing::source_dir() / "fuzz" / "corpus"; }

std::vector<fs::path> inputs_of(const std::string& target) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(corpus() / target)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Corpus, HasAFolderForEachTargetAndNoOther) {
  std::set<std::string> names;
  for (const Target& target : targets()) names.insert(target.name);
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(corpus())) {
    folders.insert(entry.path().filename().string());
  }
  EXPECT_EQ(folders, names);
  EXPECT_GE(names.size(), 12U);
}

TEST(Corpus, IsSmall) {
  for (const Target& target : targets()) {
    EXPECT_GE(inputs_of(target.name).size(), 3U) << target.name;
    for (const fs::path& file : inputs_of(target.name))
      EXPECT_LE(fs::file_size(file), 8192U) << file;
  }
}

class CorpusOf : public ::testing::TestWithParam<Target> {};

TEST_P(CorpusOf, IsReadOrRefusedInLittleMemory) {
  for (const fs::path& file : inputs_of(GetParam().name)) {
    const std::string bytes = read_file(file);
    const std::int64_t peak = testing::peak_growth(
        [&] { EXPECT_NO_THROW(run(GetParam().run, bytes)) << file.filename(); });
    EXPECT_LT(peak, std::int64_t{600} << 20) << file.filename();
  }
}

std::string name_of(const ::testing::TestParamInfo<Target>& target) { return target.param.name; }

INSTANTIATE_TEST_SUITE_P(Targets, CorpusOf, ::testing::ValuesIn(targets()), name_of);

}  // namespace
}  // namespace ompq::fuzz
