#include <fstream>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "onnx_io/small_network.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::model_with_graph;
using testing::sound_model;
using testing::tensor_type;

/// The message with which a model is refused.
std::string refusal(const std::string& bytes) {
  try {
    (void)import_onnx_bytes(bytes, "net.onnx");
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}
std::string refusal(const onnx::ModelProto& model) { return refusal(model.SerializeAsString()); }

std::string refusal_after(const std::function<void(onnx::ModelProto&)>& damage) {
  onnx::ModelProto model = sound_model();
  damage(model);
  return refusal(model);
}

TEST(BadModel, ThatIsADirectoryOrMissingIsRefused) {
  const testing::TemporaryDirectory folder;
  try {
    (void)import_onnx(folder.path());
    FAIL() << "nothing was thrown";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is a directory, not a file"));
  }
  try {
    (void)import_onnx(folder / "none.onnx");
    FAIL() << "nothing was thrown";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("none.onnx"), HasSubstr("No such file")));
  }
}

TEST(BadModel, CutShortAnywhereIsRefused) {
  const std::string bytes = export_onnx_bytes(testing::small_network());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW((void)import_onnx_bytes(bytes.substr(0, length)), ImportError)
        << length << " of " << bytes.size() << " bytes";
  }
}

TEST(BadModel, OfRandomBytesIsRefused) {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(1 + random.below(300), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    EXPECT_THROW((void)import_onnx_bytes(bytes), ImportError) << "round " << round;
  }
}

TEST(BadModel, WithDamagedBytesIsReadOrRefusedButNeverCrashes) {
  const std::string sound = export_onnx_bytes(testing::small_network());
  Random random(4);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = sound;
    for (int i = 0; i < 3; ++i) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    try {
      (void)import_onnx_bytes(bytes);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(BadModel, WithAWrongElementCountIsRefused) {
  EXPECT_THAT(refusal_after([](auto& model) {
                model.mutable_graph()->mutable_initializer(0)->mutable_float_data()->RemoveLast();
              }),
              HasSubstr("[net.onnx] initializer 'w' has 5 elements, but its shape 2x3 requires 6"));
  EXPECT_THAT(refusal_after([](auto& model) {
                auto* weight = model.mutable_graph()->mutable_initializer(0);
                weight->clear_float_data();
                weight->set_raw_data(std::string(28, '\0'));
              }),
              HasSubstr("initializer 'w' has 7 elements, but its shape 2x3 requires 6"));
  EXPECT_THAT(refusal_after([](auto& model) {
                model.mutable_graph()->mutable_initializer(0)->set_dims(1, -3);
              }),
              HasSubstr("initializer 'w' has the invalid shape 2x-3"));
  // Far more elements than memory: refused before anything is allocated.
  for (const std::int64_t extent : {std::int64_t{1} << 45, std::int64_t{1} << 61}) {
    EXPECT_THAT(refusal_after([=](auto& model) {
                  model.mutable_graph()->mutable_initializer(0)->set_dims(1, extent);
                }),
                HasSubstr("initializer 'w' "));
  }
}

TEST(BadModel, WithATensorOfManyAxesIsRefused) {
  const auto refusal_with = [](int axes) {
    return refusal_after([=](auto& model) {
      for (int i = 2; i < axes; ++i) model.mutable_graph()->mutable_initializer(0)->add_dims(1);
    });
  };
  EXPECT_THAT(refusal_with(65), HasSubstr("initializer 'w' has 65 axes, and the limit is 64"));
  EXPECT_THAT(refusal_with(100'000), HasSubstr("initializer 'w' has 100000 axes"));
}

TEST(BadModel, WithAnUnknownElementTypeIsRefused) {
  EXPECT_THAT(refusal_after([](auto& model) {
                model.mutable_graph()->mutable_initializer(0)->set_data_type(8);
              }),
              HasSubstr("initializer 'w' has elements of string, which ompq does not support"));
  EXPECT_THAT(refusal_after([](auto& model) {
                model.mutable_graph()->mutable_initializer(0)->set_data_type(77);
              }),
              HasSubstr("elements of type 77"));
  EXPECT_THAT(refusal_after([](auto& model) {
                auto* type = model.mutable_graph()->mutable_input(0)->mutable_type();
                type->mutable_tensor_type()->set_elem_type(14);
              }),
              HasSubstr("input 'x' has elements of complex64"));
}

std::string refusal_with_weight(float value) {
  return refusal_after([=](auto& model) {
    model.mutable_graph()->mutable_initializer(0)->set_float_data(5, value);
  });
}

TEST(BadModel, WithNanOrInfiniteWeightsIsRefused) {
  EXPECT_THAT(refusal_with_weight(std::numeric_limits<float>::quiet_NaN()),
              HasSubstr("constant 'w' of shape 2x3 has NaN at index [1,2]"));
  EXPECT_THAT(refusal_with_weight(-std::numeric_limits<float>::infinity()),
              HasSubstr("constant 'w' of shape 2x3 has infinity at index [1,2]"));
}

TEST(BadModel, WithTwoValuesOfOneNameIsRefused) {
  EXPECT_THAT(refusal_after([](auto& model) {
                auto* again = model.mutable_graph()->add_initializer();
                *again = model.graph().initializer(0);
              }),
              HasSubstr("two values are named 'w'; the second is an initializer"));
  EXPECT_THAT(refusal_after([](auto& model) {
                auto* again = model.mutable_graph()->add_node();
                *again = model.graph().node(0);
              }),
              HasSubstr("two values are named 'y'; the second is an output of Gemm node 'fc'"));
  EXPECT_THAT(refusal_after(
                  [](auto& model) { model.mutable_graph()->mutable_node(0)->set_output(0, "x"); }),
              HasSubstr("two values are named 'x'"));
}

TEST(BadModel, WithACycleIsRefused) {
  EXPECT_THAT(
      refusal(model_with_graph(R"(input { name: "x" )" + tensor_type("dim { dim_value: 2 }") + R"( }
             output { name: "y" )" +
                               tensor_type("") + R"( }
             node { name: "one" op_type: "Add" input: "x" input: "b" output: "a" }
             node { name: "two" op_type: "Relu" input: "a" output: "b" }
             node { name: "three" op_type: "Relu" input: "b" output: "y" })")),
      AllOf(HasSubstr("[net.onnx]"), HasSubstr("the network has a cycle"), HasSubstr("'one'")));
}

TEST(BadModel, WithLooseEndsIsRefused) {
  EXPECT_THAT(refusal_after([](auto& model) {
                model.mutable_graph()->mutable_node(0)->set_input(1, "weights");
              }),
              HasSubstr("Gemm node 'fc' reads 'weights', which nothing in the model produces"));
  EXPECT_THAT(
      refusal_after([](auto& model) { model.mutable_graph()->mutable_output(0)->set_name("z"); }),
      HasSubstr("no node produces output 'z'"));
  EXPECT_THAT(refusal_after([](auto& model) { model.mutable_graph()->clear_output(); }),
              HasSubstr("the network has no outputs"));
  EXPECT_THAT(
      refusal_after([](auto& model) { model.mutable_graph()->mutable_node(0)->clear_op_type(); }),
      HasSubstr("node 'fc' has no operator"));
}

TEST(BadModel, WithWhatATensorCannotHoldIsRefused) {
  EXPECT_THAT(refusal_after([](auto& model) { model.mutable_graph()->add_sparse_initializer(); }),
              HasSubstr("is sparse; save the weights dense"));
  EXPECT_THAT(refusal_after([](auto& model) {
                auto* type = model.mutable_graph()->mutable_input(0)->mutable_type();
                type->mutable_sequence_type()->mutable_elem_type();
              }),
              HasSubstr("input 'x' is not a tensor"));
}

}  // namespace
}  // namespace ompq::onnx_io
