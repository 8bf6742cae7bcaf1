/// What check() refuses, and in which words.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/case_runner.h"

namespace ompq::ops {
namespace {

using testing::constant;
using testing::constant_floats;
using testing::constant_ints;
using testing::counting;
using testing::data;
using testing::Ints;
using testing::normal;
using testing::OpCase;

struct Refusal {
  OpCase op_case;
  std::string words;
};

std::vector<Refusal> refusals() {
  const auto x = data(normal({2, 3, 4, 4}));
  const auto vector = constant(normal({3}));
  const auto indices = data(counting(DataType::Int64, {2}, 0, 1));
  const auto integers = data(counting(DataType::Int64, {2, 4}, 0, 7));
  const std::vector<testing::CaseInput> norm{x, vector, vector, vector, vector};
  std::vector<Refusal> all{
      {{"AveragePool", 19, "", {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{1, 2}}}, {x}},
       "averages with dilated windows"},
      {{"BatchNormalization", 14, "", {{"training_mode", 1}}, norm},
       "export the network for inference"},
      {{"BatchNormalization", 7, "", {{"spatial", 0}}, norm}, "statistics per pixel"},
      {{"BitShift", 11, "", {{"direction", "LEFT"}}, {integers, integers}},
       "shifts int64 to the left"},
      {{"Cast", 13, "", {{"to", 8}}, {x}}, "casts to ONNX type 8"},
      {{"Clip", 13, "", {}, {x, vector}}, "its bound (input 1) has shape 3"},
      {{"Col2Im", 18, "", {}, {x, testing::constant_ints({5}), testing::constant_ints({2})}},
       "images have 1 axes, not 2"},
      {{"Concat", 13, "", {}, {x, x}}, "its axis is missing"},
      {{"Conv", 13, "", {}, {data(normal({1, 1, 2, 2, 2, 2})), vector}}, "1, 2 or 3 spatial axes"},
      {{"DepthToSpace", 13, "", {{"blocksize", 2}, {"mode", "ABC"}}, {x}}, "mode 'ABC' is unknown"},
      {{"Dropout", 13, "", {}, {x, constant(Tensor::scalar(0.5F)), constant(Tensor::scalar(true))}},
       "training_mode is true"},
      {{"Einsum", 12, "", {{"equation", "...a...b,ab"}}, {x, x}}, "has '...' twice in a term"},
      {{"Einsum", 12, "", {{"equation", "abcc->ab"}}, {x}}, "takes a diagonal"},
      {{"GatherND", 12, "", {{"batch_dims", 2}}, {x, integers}}, "batch_dims 2 does not fit"},
      {{"Gelu", 20, "", {{"approximate", "erf"}}, {x}}, "approximate 'erf'"},
      {{"LSTM", 14, "", {{"input_forget", 1}}, {x, x, x}}, "input_forget is not supported"},
      {{"GRU", 14, "", {{"activation_alpha", testing::Floats{0.5F}}}, {x, x, x}},
       "activation_alpha is not supported"},
      {{"Attention", 23, "", {{"softcap", 5.0F}}, {x, x, x}}, "softcap is not supported"},
      {{"Attention", 23, "", {}, {x, x, x, testing::absent(), x}}, "its past_key is not supported"},
      {{"NonZero", 13, "", {}, {x}}, "depends on the data"},
      {{"Compress", 11, "", {}, {x, integers}}, "its condition (input 1) is computed from data"},
      {{"LpNormalization", 13, "", {{"p", 3}}, {x}}, "p = 3"},
      {{"Mod", 13, "", {}, {x, x}}, "fmod = 0 needs integers"},
      {{"Pad", 13, "", {{"mode", "mirror"}}, {x, constant_ints({0})}}, "mode 'mirror' is unknown"},
      {{"Pad", 13, "", {}, {x, indices}}, "its pads (input 1) is computed from data"},
      {{"QuantizeLinear", 21, "", {{"block_size", 16}}, {x, vector}}, "blocks of scales"},
      {{"QuantizeLinear", 13, "", {}, {x, constant(normal({3, 3}))}}, "its scale has shape 3x3"},
      {{"DequantizeLinear", 13, "", {}, {x, vector}}, "its codes are float32"},
      {{"Reshape", 13, "", {}, {x, indices}}, "it must be constant"},
      {{"Resize",
        13,
        "",
        {{"coordinate_transformation_mode", "tf_crop_and_resize"}},
        {x, testing::absent(), constant_floats({1, 1, 2, 2})}},
       "its region (input 1) must be constant"},
      {{"Resize",
        13,
        "",
        {{"mode", "area"}},
        {x, testing::absent(), constant_floats({1, 1, 2, 2})}},
       "mode 'area' is not supported"},
      {{"Resize", 13, "", {}, {x, testing::absent(), data(normal({4}))}},
       "its scales are computed from data"},
      {{"ScatterND", 18, "", {{"reduction", "xor"}}, {x, integers, x}}, "reduction 'xor'"},
      {{"Slice", 13, "", {}, {x, indices, constant_ints({1})}}, "computed from data"},
      {{"Softmax", 13, "", {}, {integers}}, "works on float types, its input is int64"},
      {{"TopK", 11, "", {}, {x}}, "its k is missing"},
      {{"Unsqueeze", 13, "", {}, {x}}, "its axes are missing"},
      {{"Where", 13, "", {}, {data(counting(DataType::Bool, {2}, 0, 1)), x, integers}},
       "mixes float32 and int64"},
      {{"And", 13, "", {}, {integers, integers}}, "works on bool"},
      {{"Add", 13, "", {}, {x, integers}}, "mixes float32 and int64"},
  };
  Refusal fused{
      {"FusedConv", 13, "", {{"activation", "Frob"}}, {x, constant(normal({2, 3, 1, 1}))}},
      "activation 'Frob' cannot be fused"};
  fused.op_case.domain = "ompq";
  all.push_back(fused);
  return all;
}

TEST(Check, RefusesInWordsWhatCannotBeRun) {
  for (const auto& [op_case, words] : refusals()) {
    const testing::PreparedCase prepared(op_case);
    ASSERT_NE(prepared.op, nullptr) << op_case.op_type;
    const auto complaint = prepared.op->check(prepared.context(), prepared.facts(false));
    ASSERT_TRUE(complaint.has_value()) << op_case.op_type << " is not refused: " << words;
    EXPECT_THAT(*complaint, ::testing::HasSubstr(words)) << op_case.op_type;
  }
}

TEST(ReasonWithoutRow, TellsWhyAnOperatorIsMissing) {
  EXPECT_EQ(reason_without_row("", "NonMaxSuppression"),
            "its output's shape depends on the data; cut the network before it");
  EXPECT_EQ(reason_without_row("", "ConvInteger"),
            "the network is quantized already; start from the float one");
  EXPECT_EQ(reason_without_row("", "Frobnicate"),
            "the operator is not supported; export the network without it");
  EXPECT_EQ(reason_without_row("com.example", "Relu"),
            "this domain is not supported; export the network with ONNX's own operators");
}

}  // namespace
}  // namespace ompq::ops
