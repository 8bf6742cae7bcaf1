#include "ompq/api/call.h"

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/compare.h"
#include "ompq/errors.h"
#include "ompq/quantize.h"

namespace ompq::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

QuantizeOptions quantize_options_with_output() {
  QuantizeOptions options;
  options.set("output", "small.onnx");
  return options;
}

TEST(Call, GivesEveryMemberOfABudgetToItsOption) {
  const Budget budget{.file_bytes = 1'500'000,
                      .average_bits = 2.5,
                      .compression = 10,
                      .weight_bytes = 1000,
                      .bit_operations = 7.5e10,
                      .activation_bytes = 2000,
                      .latency = 3500us,
                      .latency_table = "table.csv"};
  const OptionValues values = Call(quantize_options_with_output())
                                  .model("net.onnx")
                                  .samples("data", "images")
                                  .budget(budget)
                                  .context()
                                  .options;
  EXPECT_EQ(values.integer("size"), 1'500'000);
  EXPECT_EQ(values.number("avg-bits"), 2.5);
  EXPECT_EQ(values.number("compression"), 10);
  EXPECT_EQ(values.integer("weight-size"), 1000);
  EXPECT_EQ(values.number("bops"), 7.5e10);
  EXPECT_EQ(values.integer("act-size"), 2000);
  EXPECT_EQ(values.number("latency"), 3500);
  EXPECT_EQ(values.text("latency-table"), "table.csv");
  EXPECT_EQ(values.text("MODEL"), "net.onnx");
  EXPECT_EQ(values.text("data"), "images");
  EXPECT_TRUE(values.given("size"));
}

TEST(Call, HoldsACommandToItsRulesAsTheCommandLineDoes) {
  EXPECT_THROW((void)Call(QuantizeOptions()).model("net.onnx").context(), ConfigError);
}

TEST(Call, RefusesWhatIsSaidTwice) {
  QuantizeOptions options = quantize_options_with_output();
  options.set("data", "images").set("avg-bits", 3);
  try {
    (void)Call(options).budget({.average_bits = 4});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'avg-bits' is given by set() and by a member"));
  }
  EXPECT_THROW((void)Call(options).samples("data", "others"), ConfigError);
  EXPECT_NO_THROW((void)Call(options).samples("data", {}));  // an empty member says nothing
}

TEST(Call, CopiesArraysAndNamesTheirContents) {
  const std::vector<std::uint8_t> pixels{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<std::int64_t> labels{0, 1};
  QuantizeOptions options = quantize_options_with_output();
  options.set("avg-bits", 3);
  const commands::Context context =
      Call(options)
          .model("net.onnx")
          .samples("data", {Array({2, 2, 2}, pixels), Array({2}, labels)})
          .context();
  const data::NamedArrays& arrays = context.arrays.at("data");
  EXPECT_THAT(arrays.at("x").data<std::uint8_t>(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(arrays.at("y").data<std::int64_t>(), ElementsAre(0, 1));
  EXPECT_THAT(context.options.text("data"), HasSubstr("x uint8 2x2x2, y int64 2"));
}

TEST(Call, NamesTheArrayWhoseShapeDoesNotFit) {
  const std::vector<float> numbers{1, 2, 3};
  QuantizeOptions options = quantize_options_with_output();
  options.set("avg-bits", 3);
  try {
    (void)Call(options).model("net.onnx").samples("data", Array({2, 2}, numbers)).context();
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[--data, array \"x\"]"));
  }
}

TEST(Call, TakesTheShapesOfALoadedModel) {
  Model model{.file = "net.onnx", .input_shapes = {"x=1,3,8,8", "y=1,4"}};
  QuantizeOptions options = quantize_options_with_output();
  options.set("avg-bits", 3).set("data", "images");
  const auto shapes = Call(options).model(model).context().options.shapes("input-shape");
  EXPECT_THAT(shapes.at("x"), ElementsAre(1, 3, 8, 8));
  EXPECT_THAT(shapes.at("y"), ElementsAre(1, 4));
  options.set("input-shape", "x=1,3,16,16");  // what the call itself says counts
  EXPECT_THAT(Call(options).model(model).context().options.shapes("input-shape").at("x"),
              ElementsAre(1, 3, 16, 16));
}

TEST(Call, EndsTheWorkOnceAStopIsRequested) {
  std::stop_source source;
  QuantizeOptions options = quantize_options_with_output();
  options.set("avg-bits", 3).set("data", "images");
  int events = 0;
  options.progress = [&](const ProgressEvent&) { ++events; };
  options.stop = source.get_token();
  const commands::Context context = Call(options).model("net.onnx").context();
  context.progress({.task = "features"});
  EXPECT_EQ(events, 1);
  source.request_stop();
  EXPECT_THROW(context.progress({.task = "features"}), Interrupted);
  EXPECT_EQ(events, 1);
}

}  // namespace
}  // namespace ompq::api
