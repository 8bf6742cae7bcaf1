#include "ompq/data/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/zip.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Npz, GivesBackWhatWasWritten) {
  const TemporaryDirectory directory;
  const NamedArrays arrays{{"logits", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
                           {"y", Tensor::from<std::int64_t>({2}, {7, 8})},
                           {"none", Tensor(DataType::Float32, {0, 5})}};
  write_npz(directory / "a.npz", arrays);
  const NamedArrays read = read_npz(directory / "a.npz");
  ASSERT_EQ(read.size(), 3U);
  for (const auto& [name, tensor] : arrays) EXPECT_TRUE(read.at(name).equals(tensor)) << name;
  write_npz(directory / "b.npz", arrays);
  EXPECT_EQ(read_file(directory / "a.npz"), read_file(directory / "b.npz"));
}

TEST(Npz, NamesTheFileAndTheArrayThatCannotBeRead) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "a.npz", zip_stored({{"x.npy", "garbage"}}));
  try {
    (void)read_npz(directory / "a.npz");
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("a.npz, array x]"), HasSubstr("not a NumPy array")));
  }
}

}  // namespace
}  // namespace ompq::data
