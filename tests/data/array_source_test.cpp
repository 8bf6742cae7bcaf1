#include "ompq/data/array_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/npy_bytes.h"
#include "data/sample_files.h"
#include "ompq/data/npy.h"
#include "ompq/data/zip.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::npy_bytes;
using testing::thrown_text;

const std::string kObject =
    npy_bytes("{'descr': '|O', 'fortran_order': False, 'shape': (), }", "a pickle");
const std::string kText =
    npy_bytes("{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }", "catdog");

TEST(NpzSource, ReadsOnlyTheMembersThatAreAskedFor) {
  const TemporaryDirectory directory;
  const std::string x = to_npy(Tensor::from<float>({2}, {1.F, 2.F}));
  testing::write_bytes(directory / "a.npz",
                       zip_stored({{"x.npy", x},
                                   {"meta.npy", kObject},
                                   {"readme.txt", "not an array"},
                                   {"__MACOSX/._x.npy", "resource fork"}}));
  const auto source = npz_source(directory / "a.npz");
  EXPECT_THAT(source->names(), ElementsAre("__MACOSX/._x", "meta", "x"));
  EXPECT_THAT(source->read("x").to_floats(), ElementsAre(1, 2));
  EXPECT_THAT(thrown_text([&] { (void)source->read("meta"); }),
              HasSubstr("a.npz, array meta] the array's elements are Python objects"));
}

TEST(NpzSource, RefusesAFileThatIsNotAnArchive) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "a.npz", "no archive");
  EXPECT_THAT(thrown_text([&] { (void)npz_source(directory / "a.npz"); }),
              HasSubstr("the archive is broken"));
}

TEST(NpySource, ReadsEachFileUnderItsName) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "1.npy", to_npy(Tensor::from<float>({1}, {1.F})));
  testing::write_bytes(directory / "2.npy", kText);
  const auto source = npy_source(
      {{"z", directory / "1.npy"}, {"a", directory / "2.npy"}, {"none", directory / "none.npy"}});
  EXPECT_THAT(source->names(), ElementsAre("a", "none", "z"));
  EXPECT_THAT(source->read("z").to_floats(), ElementsAre(1));
  EXPECT_THAT(source->read_text("a"), ElementsAre("cat", "dog"));
  EXPECT_THAT(thrown_text([&] { (void)source->read("a"); }), HasSubstr("2.npy]"));
  EXPECT_THAT(thrown_text([&] { (void)source->read_text("z"); }),
              HasSubstr("1.npy] the array's elements are not text (<f4)"));
  EXPECT_THAT(thrown_text([&] { (void)source->read("none"); }), HasSubstr("none.npy"));
}

TEST(MemorySource, SharesTheBytesOfItsArrays) {
  const NamedArrays arrays{{"y", Tensor::from<float>({1}, {2.F})},
                           {"x", Tensor::from<float>({1}, {1.F})}};
  const auto source = memory_source(arrays, "two arrays");
  EXPECT_THAT(source->names(), ElementsAre("x", "y"));
  EXPECT_EQ(source->read("y").bytes().data(), arrays.at("y").bytes().data());
  EXPECT_THAT(thrown_text([&] { (void)source->read_text("x"); }),
              HasSubstr("[two arrays, array x] the array's elements are not text"));
}

}  // namespace
}  // namespace ompq::data
