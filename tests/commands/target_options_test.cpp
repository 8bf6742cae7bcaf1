#include "ompq/commands/target_options.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/commands/command_options.h"
#include "ompq/core/error.h"

namespace ompq::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using testing::values_of;
using OptionTexts = std::map<std::string_view, std::vector<std::string>>;

ptq::QuantizeOptions options_for(OptionTexts more) {
  more.insert({{"MODEL", {"net.onnx"}}, {"output", {"out.onnx"}}, {"data", {"images"}}});
  more.insert({{"avg-bits", {"3"}}});
  return quantize_options(values_of("quantize", {.texts = std::move(more)}),
                          pipeline::small_model());
}

TEST(TargetFormats, ArePlainForRuntimesThatReadNoPackedFiles) {
  const auto plain = options_for({{"target", {"qnn"}}});
  EXPECT_EQ(plain.format, "qdq");
  EXPECT_EQ(plain.search.form.format, onnx_io::WeightFormat::Qdq) << "budgets count this form";
  EXPECT_EQ(options_for({{"target", {"openvino"}}}).format, "packed");
  EXPECT_EQ(options_for({{"target", {"tensorrt"}}, {"format", {"qdq"}}}).format, "qdq");
  EXPECT_EQ(options_for({{"target", {"qnn"}}, {"format", {"packed"}}}).format, "packed");
  EXPECT_EQ(options_for({{"target", {"qnn"}}, {"format", {"encodings"}}}).format, "encodings");
}

TEST(TargetFormats, AreRefusedIfTheRuntimeDoesNotReadThem) {
  for (const char* format : {"packed", "float"}) {
    EXPECT_THAT(([&] {
                  (void)options_for({{"target", {"tensorrt"}}, {"format", {format}}});
                }),
                ThrowsMessage<ConfigError>(
                    HasSubstr(std::string("tensorrt does not read '") + format + "' files")));
  }
}

TEST(TargetFormats, OfASearchCountTheFileThatWillBeWritten) {
  OptionTexts texts{{"MODEL", {"net.onnx"}}, {"data", {"images"}}, {"avg-bits", {"3"}}};
  texts["target"] = {"litert"};
  const auto search =
      search_options(values_of("search", {.texts = std::move(texts)}), pipeline::small_model());
  EXPECT_EQ(search.form.format, onnx_io::WeightFormat::Qdq);
}

TEST(TargetActivations, StayFloatIfOnlyWeightsAreQuantized) {
  EXPECT_THAT(options_for({{"target", {"weights"}}}).search.request.activation_candidates,
              IsEmpty());
  EXPECT_THAT(options_for({{"target", {"weights"}}, {"act-bits", {"float"}}})
                  .search.request.activation_candidates,
              IsEmpty());
  EXPECT_THAT(([] {
                (void)options_for({{"target", {"weights"}}, {"act-bits", {"8"}}});
              }),
              ThrowsMessage<ConfigError>(HasSubstr(
                  "[--act-bits] activations were to have 8 bits, and weights quantizes only")));
}

TEST(TargetActivations, HaveTheWidthsThatKernelsRead) {
  EXPECT_THAT(options_for({{"target", {"qnn"}}}).search.request.activation_candidates,
              ElementsAre(8));
  EXPECT_THAT(([] {
                (void)options_for({{"target", {"qnn"}}, {"act-bits", {"6,8"}}});
              }),
              ThrowsMessage<ConfigError>(HasSubstr("6 bits were given")));
  EXPECT_THAT(([] {
                (void)options_for({{"target", {"litert"}}, {"input-bits", {"4"}}});
              }),
              ThrowsMessage<ConfigError>(HasSubstr("[--input-bits] 4 bits were given")));
}

TEST(TargetOpsets, AreThoseThatTheRuntimeReads) {
  EXPECT_EQ(options_for({{"target", {"tensorrt"}}, {"opset", {"18"}}}).search.form.opset, 18);
  pipeline::Model model = pipeline::small_model();
  model.graph.opset = 26;
  OptionTexts texts{{"MODEL", {"net.onnx"}}, {"output", {"out.onnx"}}, {"data", {"images"}}};
  texts["avg-bits"] = {"3"};
  texts["target"] = {"tensorrt"};
  const OptionValues values = values_of("quantize", {.texts = std::move(texts)});
  EXPECT_THAT(
      [&] { check_target_opset(values, model); },
      ThrowsMessage<ConfigError>(HasSubstr("would have opset 26, and tensorrt reads 13 to 24")));
}

}  // namespace
}  // namespace ompq::commands
