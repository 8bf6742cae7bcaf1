#include "ompq/onnx_io/model_check.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/function_inliner.h"
#include "onnx_io/model_text.h"

namespace ompq::onnx_io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::sound_model;

const ModelPlace kNet{"net.onnx", std::nullopt};

/// The message with which a model is refused before its graph is read.
std::string frame_refusal(const std::string& bytes) {
  try {
    (void)check_model(parse_model(bytes, kNet), kNet);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string frame_refusal_after(const std::function<void(onnx::ModelProto&)>& damage) {
  onnx::ModelProto model = sound_model();
  damage(model);
  return frame_refusal(model.SerializeAsString());
}

TEST(ParseModel, RefusesNothing) {
  EXPECT_EQ(frame_refusal(""), "[net.onnx] is empty, which is not an ONNX model");
}

TEST(ParseModel, RefusesText) {
  EXPECT_THAT(frame_refusal("import torch\nprint(torch.__version__)\n"),
              AllOf(HasSubstr("[net.onnx] is not an ONNX model"), HasSubstr("another format")));
}

TEST(CheckModel, RefusesAnotherProtobuf) {
  EXPECT_THAT(frame_refusal(sound_model().graph().SerializeAsString()),
              HasSubstr("is not an ONNX model"));
  EXPECT_THAT(frame_refusal(sound_model().graph().initializer(0).SerializeAsString()),
              HasSubstr("is not an ONNX model"));
  EXPECT_THAT(frame_refusal_after([](auto& model) { model.clear_graph(); }),
              HasSubstr("it has no graph"));
  EXPECT_THAT(frame_refusal_after([](auto& model) { model.clear_ir_version(); }),
              HasSubstr("it has no ir_version"));
}

TEST(CheckModel, RefusesAnUnknownVersion) {
  const auto with_opset = [](int opset) {
    return frame_refusal_after(
        [=](auto& model) { model.mutable_opset_import(0)->set_version(opset); });
  };
  EXPECT_THAT(with_opset(29), HasSubstr("uses opset 29, and ompq reads 7 to 28; export it again"));
  EXPECT_THAT(with_opset(6), HasSubstr("uses opset 6, and ompq reads 7 to 28; convert it"));
  EXPECT_THAT(frame_refusal_after([](auto& model) { model.set_ir_version(99); }),
              HasSubstr("has IR version 99, but ompq reads 1 to 14"));
  EXPECT_THAT(frame_refusal_after([](auto& model) { model.clear_opset_import(); }),
              HasSubstr("imports no ONNX opset"));
  EXPECT_THAT(frame_refusal_after([](auto& model) {
                auto* second = model.add_opset_import();
                second->set_domain("ai.onnx");
                second->set_version(11);
              }),
              HasSubstr("imports two ONNX opsets, 13 and 11"));
}

TEST(CheckModel, GivesTheOpsetOfOnnxsOwnDomainUnderBothOfItsNames) {
  EXPECT_EQ(check_model(sound_model(), kNet), 13);
  onnx::ModelProto model = sound_model();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_opset_import(0)->set_version(17);
  auto* other = model.add_opset_import();
  other->set_domain("com.microsoft");
  other->set_version(1);
  EXPECT_EQ(check_model(model, kNet), 17);
}

TEST(NewestOpsetNote, LooksIntoSubNetworksAndRefusesWhatIsNotRead) {
  const auto noted = [](int opset) {
    onnx::ModelProto model = sound_model();
    auto* branch = model.mutable_graph()->mutable_node(0)->add_attribute();
    branch->set_name("then_branch");
    auto* note = branch->mutable_g()->add_node()->add_attribute();
    note->set_name(std::string(kOpsetNote));
    note->set_i(opset);
    return newest_opset_note(model.graph(), kNet);
  };
  EXPECT_EQ(newest_opset_note(sound_model().graph(), kNet), 0);
  EXPECT_EQ(noted(18), 18);
  EXPECT_THROW((void)noted(6), ImportError);
  EXPECT_THROW((void)noted(29), ImportError);
}

}  // namespace
}  // namespace ompq::onnx_io
