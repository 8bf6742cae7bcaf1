#include "ompq/data/image_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset_helpers.h"
#include "data/sample_files.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::thrown_text;
using testing::write_bytes;

TEST(IsImageFile, GoesByTheExtensionInAnyCase) {
  for (const char* name : {"a.jpg", "a.JPEG", "a.jfif", "b/a.Png", "a.webp", "a.bmp", "a.TIFF"}) {
    EXPECT_TRUE(is_image_file(name)) << name;
  }
  for (const char* name : {"a.txt", "jpg", "a.png.bak", "a", ".a.png", "b/._a.png"}) {
    EXPECT_FALSE(is_image_file(name)) << name;
  }
}

TEST(IsClutter, IsWhatFileManagersAndArchiversAdd) {
  for (const char* name : {".DS_Store", "a/._1.jpg", ".ipynb_checkpoints", "__MACOSX"}) {
    EXPECT_TRUE(is_clutter(name)) << name;
  }
  for (const char* name : {"a.jpg", "MACOSX", "a/__MACOSX/b.jpg", "_a"}) {
    EXPECT_FALSE(is_clutter(name)) << name;
  }
}

TEST(LeftOut, CountsAllAndNamesTheFirst) {
  LeftOut left_out;
  EXPECT_EQ(left_out.sentence("photos"), "");
  left_out.add("a");
  EXPECT_EQ(left_out.sentence("photos"),
            "1 file of photos is hidden or not an image and was left out: a");
  for (const char* name : {"b", "c", "d", "e"}) left_out.add(name);
  EXPECT_EQ(left_out.count, 5);
  EXPECT_EQ(left_out.sentence("photos"),
            "5 files of photos are hidden or not images and were left out: a, b, c, ...");
}

TEST(ListFlat, TakesTheImagesOfTheFolderItself) {
  const TemporaryDirectory root;
  for (const char* name : {"b.png", "a.jpg", "notes.txt", "deep/c.png"}) {
    write_bytes(root.path() / name, "x");
  }
  const ImageFiles files = list_flat(root.path());
  EXPECT_THAT(files.names, ElementsAre("a.jpg", "b.png"));
  EXPECT_THAT(files.labels.values, IsEmpty());
  EXPECT_THAT(files.left_out.examples, ElementsAre("notes.txt"));
}

TEST(ListClassFolders, NumbersFoldersByNameAndGoesToAnyDepth) {
  const TemporaryDirectory root;
  for (const char* name : {"dog/2.png",
                           "dog/1.png",
                           "cat/deep/er/1.png",
                           "cat/.hidden/2.png",
                           "cat/notes.txt",
                           "__MACOSX/cat/1.png",
                           "readme.txt"}) {
    write_bytes(root.path() / name, "x");
  }
  fs::create_directory(root / "bird");
  const ImageFiles files = list_class_folders(root.path());
  EXPECT_THAT(files.names, ElementsAre("cat/deep/er/1.png", "dog/1.png", "dog/2.png"));
  EXPECT_THAT(files.labels.values, ElementsAre(1, 2, 2)) << "an empty folder is a class, too";
  EXPECT_THAT(files.left_out.examples,
              ::testing::UnorderedElementsAre("readme.txt", "cat/notes.txt"));
}

TEST(ImageFiles, ReadOneFileAndNameItIfItIsBroken) {
  const TemporaryDirectory root;
  write_bytes(root / "b.png", testing::png_bytes(testing::constant_image(2, 3, {9})));
  write_bytes(root / "c.png", "no image");
  const ImageFiles files = list_flat(root.path());
  const Image image = files.read(0);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 3);
  EXPECT_THAT(thrown_text([&] { (void)files.read(1); }),
              AllOf(HasSubstr((root / "c.png").string()), HasSubstr("not a JPEG")));
  fs::remove(root / "b.png");
  EXPECT_THAT(thrown_text([&] { (void)files.read(0); }), HasSubstr("b.png"));
}

/// A folder with a.png and b.png, and labels.csv of the test.
class ListLabelled : public ::testing::Test {
 protected:
  ListLabelled() {
    for (const char* name : {"a.png", "b.png"}) write_bytes(root_ / name, "x");
  }
  ImageFiles list(const std::string& csv, bool missing_are_broken = false) {
    write_bytes(root_ / "labels.csv", csv);
    return list_labelled(root_.path(), missing_are_broken);
  }
  std::string list_error(const std::string& csv) {
    return thrown_text([&] { (void)list(csv); });
  }
  TemporaryDirectory root_;
};

TEST_F(ListLabelled, KeepsTheOrderOfTheFile) {
  const ImageFiles files = list("b.png,7\na.png,0\nb.png,3\n");
  EXPECT_THAT(files.names, ElementsAre("b.png", "a.png", "b.png"));
  EXPECT_THAT(files.labels.values, ElementsAre(7, 0, 3));
  EXPECT_EQ(files.labels.fault, "");
}

TEST_F(ListLabelled, TakesHeadersQuotesSpacesAndEmptyLines) {
  write_bytes(root_ / "c, \"d\".png", "x");
  const ImageFiles files = list(
      "\xef\xbb\xbf"
      "file,label\r\n\r\n \"c, \"\"d\"\".png\" , 5\r\na.png,\t1");
  EXPECT_THAT(files.names, ElementsAre("c, \"d\".png", "a.png"));
  EXPECT_THAT(files.labels.values, ElementsAre(5, 1));
}

TEST_F(ListLabelled, NamesTheLineThatIsWrong) {
  EXPECT_THAT(
      list_error("file,label\na.png,1\nnone.png,2\n"),
      AllOf(HasSubstr("labels.csv] line 3"), HasSubstr("\"none.png\", which does not exist")));
  EXPECT_THAT(list_error("a.png,1,2\n"), HasSubstr("line 1 has 3 columns"));
  EXPECT_THAT(list_error("a.png,1\na.png\n"), HasSubstr("line 2 has 1 columns"));
}

TEST_F(ListLabelled, LeavesAMissingFileToTheReaderIfToldTo) {
  const ImageFiles files = list("a.png,1\nnone.png,2\n", /*missing_are_broken=*/true);
  EXPECT_THAT(files.names, ElementsAre("a.png", "none.png"));
}

TEST_F(ListLabelled, KeepsTheSamplesIfALabelIsOfAnotherForm) {
  for (const std::string label : {"cat", "-1", "1.5", "99999999999", ""}) {
    const ImageFiles files = list("file,label\na.png,0\nb.png," + label + "\na.png,dog\n");
    EXPECT_THAT(files.names, ElementsAre("a.png", "b.png", "a.png")) << label;
    EXPECT_THAT(files.labels.values, IsEmpty()) << label;
    EXPECT_THAT(files.labels.fault,
                AllOf(HasSubstr("line 3 of"), HasSubstr("label \"" + label + "\"")));
  }
}

}  // namespace
}  // namespace ompq::data
