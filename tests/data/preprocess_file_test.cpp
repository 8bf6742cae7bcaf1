#include "ompq/data/preprocess_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Preprocess read_text(const std::string& text) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "p.json", text);
  return read_preprocess(directory / "p.json");
}

std::string preprocess_error(const std::string& text) {
  try {
    (void)read_text(text);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string with_field(const std::string& field) {
  return R"({"format": "ompq-preprocess/1", )" + field + "}";
}

TEST(ReadPreprocess, GivesBackWhatToJsonWrote) {
  const Preprocess written{.channels = "bgr",
                           .scale = 1.0 / 127.5,
                           .mean = {1, 0.9, 0.8},
                           .std = {0.1, 0.2, 0.3},
                           .resize = 256,
                           .crop = 224};
  const Preprocess read = read_text(to_json(written));
  EXPECT_EQ(read.channels, written.channels);
  EXPECT_EQ(read.scale, written.scale);
  EXPECT_EQ(read.mean, written.mean);
  EXPECT_EQ(read.std, written.std);
  EXPECT_EQ(read.resize, written.resize);
  EXPECT_EQ(read.crop, written.crop);
  EXPECT_EQ(to_json(read), to_json(written));
}

TEST(ReadPreprocess, NullAndAbsentFieldsKeepTheDefaults) {
  const Preprocess read = read_text(with_field(R"("resize": null, "mean": null)"));
  EXPECT_EQ(read.resize, std::nullopt);
  EXPECT_EQ(read.crop, std::nullopt);
  EXPECT_THAT(read.mean, ElementsAre());
  EXPECT_EQ(read.scale, 1.0 / 255);
  EXPECT_EQ(read.channels, "rgb");
}

TEST(ReadPreprocess, NamesTheFileAndTheFieldThatIsWrong) {
  EXPECT_THAT(preprocess_error("[1]"), AllOf(HasSubstr("p.json"), HasSubstr("not a JSON object")));
  EXPECT_THAT(preprocess_error("{"), HasSubstr("is not valid JSON at byte 1 of 1"));
  EXPECT_THAT(preprocess_error(R"({"scale": 1})"), HasSubstr("\"format\" is missing"));
  EXPECT_THAT(preprocess_error(R"({"format": "other/2"})"),
              HasSubstr("must be \"ompq-preprocess/1\""));
  EXPECT_THAT(preprocess_error(with_field(R"("crops": 224)")),
              AllOf(HasSubstr("\"crops\" is unknown"), HasSubstr("crop")));
  EXPECT_THAT(preprocess_error(with_field(R"("crop": 22.5)")), HasSubstr("\"crop\" is 22.5"));
  EXPECT_THAT(preprocess_error(with_field(R"("crop": 0)")), HasSubstr("crop is 0 pixels"));
  EXPECT_THAT(preprocess_error(with_field(R"("resize": -3)")), HasSubstr("resize is -3 pixels"));
  EXPECT_THAT(preprocess_error(with_field(R"("scale": "1/255")")),
              HasSubstr("\"scale\" is \"1/255\""));
  EXPECT_THAT(preprocess_error(with_field(R"("scale": 0)")), HasSubstr("scale is 0"));
  EXPECT_THAT(preprocess_error(with_field(R"("mean": [1, "a", 2])")), HasSubstr("\"mean\""));
  EXPECT_THAT(preprocess_error(with_field(R"("mean": [1, 2])")), HasSubstr("mean has 2 values"));
  EXPECT_THAT(preprocess_error(with_field(R"("std": [1, 0, 1])")), HasSubstr("std holds 0"));
  EXPECT_THAT(preprocess_error(with_field(R"("channels": "cmyk")")), HasSubstr("\"cmyk\""));
  EXPECT_THAT(preprocess_error(with_field(R"("channels": 3)")), HasSubstr("\"channels\" is 3"));
}

TEST(ReadPreprocess, NamesTheFormatsWhereAFileIsNone) {
  EXPECT_THAT(preprocess_error(R"({"architectures": ["BertModel"], "model_type": "bert"})"),
              ::testing::AllOf(HasSubstr("\"format\" is missing"),
                               HasSubstr("preprocessor_config.json"),
                               HasSubstr("timm")));
}

TEST(ReadPreprocess, GivesBackBothSidesAndTheInterpolation) {
  const Preprocess written{
      .crop = PixelSize(20, 30), .resize_to = PixelSize(32), .interpolation = "lanczos"};
  const Preprocess read = read_text(to_json(written));
  EXPECT_EQ(read.crop, written.crop);
  EXPECT_EQ(read.resize_to, written.resize_to);
  EXPECT_EQ(read.interpolation, written.interpolation);
  EXPECT_EQ(to_json(read), to_json(written));
}

TEST(FindPreprocess, LooksBesideTheModel) {
  const TemporaryDirectory directory;
  EXPECT_EQ(find_preprocess(directory / "net.v2.onnx"), std::nullopt);
  testing::write_bytes(directory / "net.v2.preprocess.json", "{}");
  EXPECT_EQ(find_preprocess(directory / "net.v2.onnx"), directory / "net.v2.preprocess.json");
}

TEST(ReadPreprocess, ReadsTheFilesBesideTheSharedModels) {
  OMPQ_SHARED_OR_SKIP(shared);
  for (const char* name : {"mobilenetv2-imagenet", "resnet20-cifar10", "squeezenet1_1-imagenet"}) {
    const auto file = find_preprocess(shared / "models" / (std::string(name) + ".onnx"));
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(read_preprocess(*file).mean.size(), 3U) << name;
  }
}

}  // namespace
}  // namespace ompq::data
