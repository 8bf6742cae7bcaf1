#include "ompq/data/preprocess_fields.h"

#include <array>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_file.h"
#include "support/paths.h"

// The fields of JSON objects, and the files that other tools write next to their networks.

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Preprocess read_config(const std::string& text) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "p.json", text);
  return read_preprocess(directory / "p.json");
}

std::string config_error(const std::string& text) {
  try {
    (void)read_config(text);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

/// Passes the fields of an object to `read`. @return the message if that fails.
template <typename Read>
std::string field_error(const std::string& object, const Read& read) {
  const nlohmann::json json = nlohmann::json::parse(object);
  try {
    read(PreprocessFields("p.json", json));
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PreprocessFields, HaveTheirValueOrTheFallback) {
  const nlohmann::json json = nlohmann::json::parse(
      R"({"n": 0.5, "f": true, "t": "a", "l": [1, 2.5], "p": 7, "none": null})");
  const PreprocessFields fields("p.json", json);
  EXPECT_EQ(fields.file(), "p.json");
  EXPECT_EQ(fields.number("n", 3), 0.5);
  EXPECT_TRUE(fields.flag("f", false));
  EXPECT_EQ(fields.text("t", "z"), "a");
  EXPECT_THAT(fields.numbers("l"), ElementsAre(1, 2.5));
  EXPECT_EQ(fields.pixels("p"), 7);
  for (const char* missing : {"none", "absent"}) {
    EXPECT_FALSE(fields.has(missing)) << missing;
    EXPECT_EQ(fields.number(missing, 3), 3) << missing;
    EXPECT_TRUE(fields.flag(missing, true)) << missing;
    EXPECT_EQ(fields.text(missing, "z"), "z") << missing;
    EXPECT_THAT(fields.numbers(missing), IsEmpty()) << missing;
    EXPECT_EQ(fields.pixels(missing), std::nullopt) << missing;
  }
}

TEST(PreprocessFields, NameAValueOfAnotherType) {
  EXPECT_EQ(field_error(R"({"x": "1"})", [](const auto& f) { (void)f.number("x", 0); }),
            "[p.json] field \"x\" is \"1\"; it must be a number");
  EXPECT_THAT(field_error(R"({"x": 1})", [](const auto& f) { (void)f.flag("x", false); }),
              HasSubstr("field \"x\" is 1; it must be true or false"));
  EXPECT_THAT(field_error(R"({"x": [1]})", [](const auto& f) { (void)f.text("x", ""); }),
              HasSubstr("field \"x\" is [1]; it must be a string"));
  for (const char* object : {R"({"x": 1})", R"({"x": [1, "2"]})"}) {
    EXPECT_THAT(field_error(object, [](const auto& f) { (void)f.numbers("x"); }),
                HasSubstr("it must be an array of numbers, one per channel"))
        << object;
  }
  EXPECT_THAT(field_error(R"({"x": 2.5})", [](const auto& f) { (void)f.pixels("x"); }),
              HasSubstr("field \"x\" is 2.5; it must be a whole number of pixels or null"));
  EXPECT_THAT(field_error("{}", [](const auto& f) { f.fail("x", "give it"); }),
              HasSubstr("field \"x\" is missing; give it"));
}

TEST(PreprocessFields, ListTheKnownOnesForAnUnknownOne) {
  static constexpr std::array<std::string_view, 2> kKnown{"crop", "scale"};
  const auto check = [](const PreprocessFields& fields) { fields.require_known(kKnown); };
  EXPECT_EQ(field_error(R"({"crop": 1})", check), "no error");
  EXPECT_THAT(field_error(R"({"crop": 1, "crops": 2})", check),
              HasSubstr("field \"crops\" is unknown; there are crop, scale"));
}

TEST(PreprocessFields, ShowWhichToolWroteThem) {
  const auto kinds = [](const std::string& object) {
    const nlohmann::json json = nlohmann::json::parse(object);
    const PreprocessFields fields("p.json", json);
    return std::pair(is_image_processor(fields), is_pretrained_cfg(fields));
  };
  EXPECT_EQ(kinds(R"({"image_processor_type": "X"})"), std::pair(true, false));
  EXPECT_EQ(kinds(R"({"do_resize": false})"), std::pair(true, false));
  EXPECT_EQ(kinds(R"({"input_size": [3, 8, 8], "crop_pct": 1})"), std::pair(false, true));
  EXPECT_EQ(kinds(R"({"input_size": [3, 8, 8]})"), std::pair(false, false));
  EXPECT_EQ(kinds(R"({"model_type": "bert"})"), std::pair(false, false));
}

TEST(ImageProcessor, ReadsASquareSize) {
  const Preprocess read = read_config(R"({
    "do_normalize": true, "do_rescale": true, "do_resize": true,
    "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor",
    "image_std": [0.5, 0.25, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098,
    "size": {"height": 224, "width": 192}})");
  EXPECT_EQ(read.resize_to, PixelSize(224, 192));
  EXPECT_EQ(read.resize, std::nullopt);
  EXPECT_EQ(read.crop, std::nullopt);
  EXPECT_EQ(read.interpolation, "bilinear");
  EXPECT_THAT(read.std, ElementsAre(0.5, 0.25, 0.5));
  EXPECT_DOUBLE_EQ(read.scale, 1.0 / 255);
}

TEST(ImageProcessor, ReadsAShorterSideAndACrop) {
  const Preprocess read = read_config(R"({
    "crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true,
    "do_normalize": true, "do_rescale": true, "do_resize": true,
    "image_mean": [0.48, 0.45, 0.40], "image_std": [0.26, 0.26, 0.27],
    "image_processor_type": "CLIPImageProcessor", "resample": 3,
    "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 256}})");
  EXPECT_EQ(read.resize, 256);
  EXPECT_EQ(read.crop, PixelSize(224));
  EXPECT_EQ(read.interpolation, "bicubic");
}

TEST(ImageProcessor, ReadsNumbersAsTheirClassDoes) {
  const std::string rest = R"("do_normalize": false, "size": 224})";
  const Preprocess vit =
      read_config(R"({"feature_extractor_type": "ViTFeatureExtractor", )" + rest);
  EXPECT_EQ(vit.resize_to, PixelSize(224));
  const Preprocess clip = read_config(R"({"feature_extractor_type": "CLIPFeatureExtractor",
    "do_center_crop": true, "crop_size": 224, )" +
                                      rest);
  EXPECT_EQ(clip.resize, 224);
  EXPECT_EQ(clip.crop, PixelSize(224));
  const Preprocess levit =
      read_config(R"({"image_processor_type": "LevitImageProcessor", )" + rest);
  EXPECT_EQ(levit.resize, 256);
}

TEST(ImageProcessor, KnowsWhatConvNextDoesToItsSize) {
  const auto with_size = [](const std::string& size) {
    return read_config(R"({"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875,
      "do_normalize": false, "size": {"shortest_edge": )" +
                       size + "}}");
  };
  EXPECT_EQ(with_size("224").resize, 256);
  EXPECT_EQ(with_size("224").crop, PixelSize(224));
  EXPECT_EQ(with_size("384").resize_to, PixelSize(384));
  EXPECT_EQ(with_size("384").crop, std::nullopt);
}

TEST(ImageProcessor, LeavesOutWhatIsNotDone) {
  const Preprocess read = read_config(R"({
    "image_processor_type": "MobileViTImageProcessor", "do_resize": false, "do_center_crop": false,
    "do_rescale": false, "do_normalize": false, "do_flip_channel_order": true,
    "size": {"shortest_edge": 288}, "image_mean": [1, 2, 3], "image_std": [1, 2, 3]})");
  EXPECT_EQ(read.scale, 1.0);
  EXPECT_THAT(read.mean, IsEmpty());
  EXPECT_EQ(read.resize, std::nullopt);
  EXPECT_EQ(read.channels, "bgr");
}

TEST(ImageProcessor, KnowsOffsetsAndTheSecondDivisionOfEfficientNet) {
  // ((pixel / 127.5 - 1) - 0.5) / 0.25, and then / 0.25 again.
  const Preprocess read = read_config(R"({
    "image_processor_type": "EfficientNetImageProcessor", "include_top": true,
    "rescale_factor": 0.00784313725490196, "rescale_offset": true, "do_resize": false,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]})");
  EXPECT_THAT(read.mean, ElementsAre(1.5, 1.5, 1.5));
  EXPECT_THAT(read.std, ElementsAre(DoubleEq(0.0625), DoubleEq(0.0625), DoubleEq(0.0625)));
}

TEST(ImageProcessor, TakesANumberForAllChannels) {
  const Preprocess read = read_config(
      R"({"image_processor_type": "X", "size": 8, "image_mean": 0.5, "image_std": 0.25})");
  EXPECT_THAT(read.mean, ElementsAre(0.5));
  EXPECT_THAT(read.std, ElementsAre(0.25));
}

TEST(ImageProcessor, IsFoundInsideOfAProcessor) {
  const Preprocess read = read_config(R"({"processor_class": "CLIPProcessor", "image_processor": {
    "image_processor_type": "CLIPImageProcessorFast", "do_normalize": false, "size": 336}})");
  EXPECT_EQ(read.resize, 336);
}

TEST(ImageProcessor, SaysWhatItAsksForInVain) {
  const std::string rest = R"("image_processor_type": "X", "do_normalize": false})";
  EXPECT_THAT(config_error(R"({"do_pad": true, )" + rest), HasSubstr("\"do_pad\" is true"));
  EXPECT_THAT(config_error("{" + rest), HasSubstr("\"size\" is missing"));
  EXPECT_THAT(config_error(R"({"size": {"shortest_edge": 800, "longest_edge": 1333}, )" + rest),
              HasSubstr("shortest_edge"));
  EXPECT_THAT(config_error(R"({"size": 224, "resample": 5, )" + rest),
              HasSubstr("\"resample\" is 5"));
  EXPECT_THAT(config_error(R"({"size": 224, "do_resize": "yes", )" + rest),
              HasSubstr("\"do_resize\" is \"yes\""));
  EXPECT_THAT(config_error(R"({"image_processor_type": "X", "size": 224, "do_normalize": true})"),
              HasSubstr("\"image_mean\" is missing"));
}

TEST(PretrainedCfg, ReadsConfigJson) {
  const Preprocess read = read_config(R"({"architecture": "resnet50", "num_classes": 1000,
    "pretrained_cfg": {"tag": "a1_in1k", "input_size": [3, 224, 224], "interpolation": "bicubic",
      "crop_pct": 0.95, "crop_mode": "center", "mean": [0.485, 0.456, 0.406],
      "std": [0.229, 0.224, 0.225], "num_classes": 1000, "pool_size": [7, 7]}})");
  EXPECT_EQ(read.resize, 235);  // floor(224 / 0.95)
  EXPECT_EQ(read.crop, PixelSize(224));
  EXPECT_EQ(read.interpolation, "bicubic");
  EXPECT_THAT(read.std, ElementsAre(0.229, 0.224, 0.225));
  EXPECT_DOUBLE_EQ(read.scale, 1.0 / 255);
}

TEST(PretrainedCfg, SquashesBothSides) {
  const Preprocess read = read_config(R"({"input_size": [3, 448, 448], "crop_pct": 1.0,
    "crop_mode": "squash", "interpolation": "bilinear", "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5]})");
  EXPECT_EQ(read.resize_to, PixelSize(448));
  EXPECT_EQ(read.resize, std::nullopt);
}

TEST(PretrainedCfg, SaysWhatItAsksForInVain) {
  EXPECT_THAT(config_error(R"({"pretrained_cfg": {"input_size": [3, 224], "crop_pct": 1}})"),
              HasSubstr("\"input_size\""));
  EXPECT_THAT(config_error(R"({"input_size": [3, 224, 224], "crop_pct": 0})"),
              HasSubstr("\"crop_pct\""));
  EXPECT_THAT(
      config_error(R"({"input_size": [3, 224, 224], "crop_pct": 1, "crop_mode": "border"})"),
      HasSubstr("\"crop_mode\" is \"border\""));
  EXPECT_THAT(config_error(R"({"input_size": [3, 224, 224], "interpolation": "random"})"),
              HasSubstr("interpolation is \"random\""));
}

}  // namespace
}  // namespace ompq::data
