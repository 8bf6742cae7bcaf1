#include "ompq/data/source_files.h"

#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

class SourceFileTest : public ::testing::Test {
 protected:
  fs::path write(const fs::path& name) {
    fs::create_directories((folder_ / name).parent_path());
    write_file_atomically(folder_ / name, "bytes");
    return folder_ / name;
  }
  ompq::testing::TemporaryDirectory folder_;
};

TEST_F(SourceFileTest, IsEveryFormOfSampleAtAnyDepth) {
  for (const char* name : {"photos/a.png",
                           "photos/class/b/c.JPEG",
                           "photos/x.npy",
                           "photos/labels.csv",
                           "photos/train-images-idx3-ubyte.gz",
                           "photos/t10k-labels-idx1-ubyte",
                           "photos/data_batch_1.bin",
                           "photos/test_batch.bin"}) {
    const fs::path file = write(name);
    EXPECT_EQ(source_file(folder_ / "photos", file), file) << name;
  }
}

TEST_F(SourceFileTest, IsFoundThroughLinksOfEitherSide) {
  const fs::path image = write("photos/a.png");
  fs::create_symlink(image, folder_ / "soft.onnx");
  fs::create_hard_link(image, folder_ / "hard.onnx");
  EXPECT_EQ(source_file(folder_ / "photos", folder_ / "soft.onnx"), image);
  EXPECT_EQ(source_file(folder_ / "photos", folder_ / "hard.onnx"), image);
  const fs::path original = write("originals/b.jpg");
  fs::create_symlink(original, folder_ / "photos" / "b.jpg");
  EXPECT_EQ(source_file(folder_ / "photos", original), folder_ / "photos" / "b.jpg");
}

TEST_F(SourceFileTest, IsWhatLabelsListWhereverItLies) {
  write("photos/labels.csv");
  const fs::path scan = write("elsewhere/scan.raw");
  write_file_atomically(folder_ / "photos" / "labels.csv", "../elsewhere/scan.raw,0\n");
  EXPECT_TRUE(source_file(folder_ / "photos", scan));
}

TEST_F(SourceFileTest, IsNothingElse) {
  write("photos/a.png");
  EXPECT_FALSE(source_file(folder_ / "photos", write("photos/small.onnx")));
  EXPECT_FALSE(source_file(folder_ / "photos", write("b.png")));
  EXPECT_FALSE(source_file(folder_ / "photos", folder_ / "photos" / "new.png"));
  EXPECT_FALSE(source_file(folder_ / "missing", folder_ / "photos" / "a.png"));
  EXPECT_FALSE(source_file(folder_ / "photos" / "a.png", folder_ / "photos" / "a.png"));
}

}  // namespace
}  // namespace ompq::data
