/// The operators whose details are easily got wrong, against plain loops over their definitions and
/// against numbers worked out by hand. ONNX Runtime is asked as well, in onnxruntime_test.cpp,
/// where it is installed.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "ops/case_runner.h"

namespace ompq::ops {
namespace {

using testing::absent;
using testing::constant;
using testing::constant_floats;
using testing::constant_ints;
using testing::data;
using testing::Floats;
using testing::Ints;
using testing::normal;
using testing::OpCase;

Floats run(const OpCase& op_case) { return testing::run_case(op_case).at(0).to_floats(); }

void expect_close(const Floats& got, const Floats& expected, float bound = 1e-4F) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], bound) << "element " << i;
  }
}

// --- Convolution
// ----------------------------------------------------------------------------------

/// A 2-D layout to count with: element (n, c, y, x) of a dense tensor.
struct Plane4 {
  std::int64_t n, c, h, w;
  [[nodiscard]] std::size_t at(std::int64_t i,
                               std::int64_t j,
                               std::int64_t y,
                               std::int64_t x) const {
    return static_cast<std::size_t>(((i * c + j) * h + y) * w + x);
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(n * c * h * w); }
};

struct ConvNumbers {
  std::int64_t stride = 1, dilation = 1, groups = 1;
  Ints pads{0, 0, 0, 0};
};

/// Every output as the sum over its window, in float64.
Floats convolve(const Floats& x,
                Plane4 in,
                const Floats& w,
                Plane4 kernel,
                const ConvNumbers& how,
                Plane4 out) {
  Floats result(out.size());
  const std::int64_t per_group = out.c / how.groups;
  for (std::int64_t n = 0; n < out.n; ++n)
    for (std::int64_t o = 0; o < out.c; ++o)
      for (std::int64_t y = 0; y < out.h; ++y)
        for (std::int64_t z = 0; z < out.w; ++z) {
          double sum = 0;
          for (std::int64_t c = 0; c < kernel.c; ++c)
            for (std::int64_t i = 0; i < kernel.h; ++i)
              for (std::int64_t j = 0; j < kernel.w; ++j) {
                const std::int64_t row = y * how.stride - how.pads[0] + i * how.dilation;
                const std::int64_t column = z * how.stride - how.pads[1] + j * how.dilation;
                if (row < 0 || row >= in.h || column < 0 || column >= in.w) continue;
                const std::int64_t channel = o / per_group * kernel.c + c;
                sum += double{x[in.at(n, channel, row, column)]} * w[kernel.at(o, c, i, j)];
              }
          result[out.at(n, o, y, z)] = static_cast<float>(sum);
        }
  return result;
}

TEST(Conv, SumsOverItsWindowWithAsymmetricPadsGroupsAndDilation) {
  const Tensor x = normal({2, 4, 7, 8}, 1);
  const Tensor w = normal({6, 2, 3, 2}, 2);
  const ConvNumbers how{.stride = 2, .dilation = 2, .groups = 2, .pads = {1, 0, 2, 3}};
  const OpCase op_case{
      "Conv",
      13,
      "",
      {{"strides", Ints{2, 2}}, {"dilations", Ints{2, 2}}, {"group", 2}, {"pads", how.pads}},
      {data(x), constant(w)}};
  // rows: (7 + 3 - 5) / 2 + 1 = 3; columns: (8 + 3 - 3) / 2 + 1 = 5
  expect_close(
      run(op_case),
      convolve(x.to_floats(), {2, 4, 7, 8}, w.to_floats(), {6, 2, 3, 2}, how, {2, 6, 3, 5}));
}

/// Every input spread over the outputs that it reaches.
Floats spread(const Floats& x,
              Plane4 in,
              const Floats& w,
              Plane4 kernel,
              std::int64_t stride,
              std::int64_t head,
              Plane4 out) {
  std::vector<double> sums(out.size(), 0.0);
  for (std::int64_t n = 0; n < in.n; ++n)
    for (std::int64_t c = 0; c < in.c; ++c)
      for (std::int64_t y = 0; y < in.h; ++y)
        for (std::int64_t z = 0; z < in.w; ++z)
          for (std::int64_t o = 0; o < kernel.c; ++o)
            for (std::int64_t i = 0; i < kernel.h; ++i)
              for (std::int64_t j = 0; j < kernel.w; ++j) {
                const std::int64_t row = y * stride + i - head;
                const std::int64_t column = z * stride + j - head;
                if (row < 0 || row >= out.h || column < 0 || column >= out.w) continue;
                sums[out.at(n, o, row, column)] +=
                    double{x[in.at(n, c, y, z)]} * w[kernel.at(c, o, i, j)];
              }
  return {sums.begin(), sums.end()};
}

TEST(ConvTranspose, SpreadsItsInputOverThePaddedOutput) {
  const Tensor x = normal({2, 4, 3, 5}, 1);
  const Tensor w = normal({4, 2, 3, 3}, 2);
  const auto expected = [&](std::int64_t head, Plane4 out) {
    return spread(x.to_floats(), {2, 4, 3, 5}, w.to_floats(), {4, 2, 3, 3}, 2, head, out);
  };
  const auto got = [&](std::map<std::string, graph::Attribute> attributes) {
    attributes["strides"] = Ints{2, 2};
    return run({"ConvTranspose", 13, "", attributes, {data(x), constant(w)}});
  };
  expect_close(got({}), expected(0, {2, 2, 7, 11}));
  expect_close(got({{"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}}),
               expected(1, {2, 2, 6, 10}));
  expect_close(got({{"pads", Ints{2, 2, 0, 0}}}), expected(2, {2, 2, 5, 9}));
  expect_close(got({{"pads", Ints{0, 0, 2, 2}}}), expected(0, {2, 2, 5, 9}));
  // 7 - 6 = 1 too many: the odd one goes in front, with SAME_UPPER at the end.
  expect_close(got({{"output_shape", Ints{6, 10}}}), expected(1, {2, 2, 6, 10}));
  expect_close(got({{"output_shape", Ints{6, 10}}, {"auto_pad", "SAME_UPPER"}}),
               expected(0, {2, 2, 6, 10}));
}

// --- Pooling
// ----------------------------------------------------------------------------------------

/// 1 2 3 4 5 as an image of one row.
testing::CaseInput five() { return data(Tensor::from<float>({1, 1, 1, 5}, {1, 2, 3, 4, 5})); }

Floats pooled(const std::string& type,
              std::int64_t kernel,
              std::int64_t stride,
              const Ints& pads,
              const std::map<std::string, graph::Attribute>& more) {
  std::map<std::string, graph::Attribute> attributes{{"kernel_shape", Ints{1, kernel}},
                                                     {"strides", Ints{1, stride}},
                                                     {"pads", Ints{0, pads[0], 0, pads[1]}}};
  attributes.insert(more.begin(), more.end());
  return run({type, 12, "", attributes, {five()}});
}

TEST(MaxPool, CeilModeKeepsThePartialWindow) {
  EXPECT_EQ(pooled("MaxPool", 2, 2, {0, 0}, {}), (Floats{2, 4}));
  EXPECT_EQ(pooled("MaxPool", 2, 2, {0, 0}, {{"ceil_mode", 1}}), (Floats{2, 4, 5}));
  // A window that would start after the last element is dropped.
  EXPECT_EQ(pooled("MaxPool", 2, 3, {0, 1}, {{"ceil_mode", 1}}), (Floats{2, 5}));
  EXPECT_EQ(pooled("MaxPool", 3, 2, {1, 1}, {}), (Floats{2, 4, 5}));
}

TEST(MaxPool, PadsAreNoZeros) {
  const Tensor x = Tensor::from<float>({1, 1, 3}, {-3, -1, -2});
  const OpCase op_case{
      "MaxPool", 12, "", {{"kernel_shape", Ints{2}}, {"pads", Ints{0, 1}}}, {data(x)}};
  EXPECT_EQ(run(op_case), (Floats{-1, -1, -2}));
}

TEST(AveragePool, CountsPadsOnlyIfAsked) {
  EXPECT_EQ(pooled("AveragePool", 3, 2, {1, 1}, {}), (Floats{1.5F, 3, 4.5F}));
  EXPECT_EQ(pooled("AveragePool", 3, 2, {1, 1}, {{"count_include_pad", 1}}), (Floats{1, 3, 3}));
  // More in front: 0 0 1 | 2 3 4 | 5
  EXPECT_EQ(pooled("AveragePool", 3, 3, {2, 0}, {}), (Floats{1, 3}));
  EXPECT_EQ(pooled("AveragePool", 3, 3, {2, 0}, {{"count_include_pad", 1}}), (Floats{1.0F / 3, 3}));
}

TEST(AveragePool, CeilModeCountsNothingBehindThePads) {
  EXPECT_EQ(pooled("AveragePool", 2, 2, {0, 0}, {{"ceil_mode", 1}}), (Floats{1.5F, 3.5F, 5}));
  EXPECT_EQ(pooled("AveragePool", 2, 2, {0, 0}, {{"ceil_mode", 1}, {"count_include_pad", 1}}),
            (Floats{1.5F, 3.5F, 5}));
}

// --- Resize
// ------------------------------------------------------------------------------------------

Floats resized(const Floats& line,
               std::int64_t size,
               std::map<std::string, graph::Attribute> attributes) {
  const auto length = static_cast<std::int64_t>(line.size());
  return run({"Resize",
              13,
              "",
              attributes,
              {data(Tensor::from<float>({1, 1, 1, length}, line)),
               absent(),
               absent(),
               constant_ints({1, 1, 1, size})}});
}

TEST(Resize, NearestFollowsItsCoordinates) {
  const Floats line{1, 2, 3, 4};
  const auto nearest = [&](std::int64_t size, const char* coordinates, const char* mode) {
    return resized(line,
                   size,
                   {{"coordinate_transformation_mode", std::string(coordinates)},
                    {"nearest_mode", std::string(mode)}});
  };
  // 4 -> 6: (i + 0.5) * 4 / 6 - 0.5 = -0.17 0.5 1.17 1.83 2.5 3.17
  EXPECT_EQ(nearest(6, "half_pixel", "round_prefer_floor"), (Floats{1, 1, 2, 3, 3, 4}));
  EXPECT_EQ(nearest(6, "half_pixel", "round_prefer_ceil"), (Floats{1, 2, 2, 3, 4, 4}));
  EXPECT_EQ(nearest(6, "half_pixel", "floor"), (Floats{1, 1, 2, 2, 3, 4}));
  EXPECT_EQ(nearest(6, "half_pixel", "ceil"), (Floats{1, 2, 3, 3, 4, 4}));
  // i * 4 / 6 = 0 0.67 1.33 2 2.67 3.33
  EXPECT_EQ(nearest(6, "asymmetric", "floor"), (Floats{1, 1, 2, 3, 3, 4}));
  // i * 3 / 6 = 0 0.5 1 1.5 2 2.5 3
  EXPECT_EQ(nearest(7, "align_corners", "round_prefer_floor"), (Floats{1, 1, 2, 2, 3, 3, 4}));
}

TEST(Resize, LinearFollowsItsCoordinates) {
  const Floats line{0, 4, 8};
  const auto linear = [&](std::int64_t size, const char* coordinates) {
    return resized(line,
                   size,
                   {{"mode", std::string("linear")},
                    {"coordinate_transformation_mode", std::string(coordinates)}});
  };
  // positions clamp(-0.25 0.25 0.75 1.25 1.75 2.25, 0, 2)
  expect_close(linear(6, "half_pixel"), {0, 1, 3, 5, 7, 8}, 1e-6F);
  expect_close(linear(6, "asymmetric"), {0, 2, 4, 6, 8, 8}, 1e-6F);
  expect_close(linear(5, "align_corners"), {0, 2, 4, 6, 8}, 1e-6F);
  expect_close(linear(1, "pytorch_half_pixel"), {0}, 1e-6F);
  expect_close(linear(1, "half_pixel"), {4}, 1e-6F);
}

TEST(Resize, CubicKeepsStraightLines) {
  // Keys' kernel reproduces linear functions exactly where all four taps are inside.
  const Floats line{0, 1, 2, 3, 4, 5, 6, 7};
  const Floats got = resized(line, 16, {{"mode", std::string("cubic")}, {"cubic_coeff_a", -0.5F}});
  for (std::size_t i = 4; i < 12; ++i) {
    EXPECT_NEAR(got[i], (static_cast<float>(i) + 0.5F) / 2 - 0.5F, 1e-5F) << "element " << i;
  }
}

TEST(Resize, AntialiasingAveragesWhatShrinks) {
  const OpCase op_case{"Resize",
                       18,
                       "",
                       {{"mode", "linear"}, {"antialias", 1}},
                       {data(Tensor::from<float>({1, 1, 1, 8}, {0, 0, 0, 8, 8, 0, 0, 0})),
                        absent(),
                        constant_floats({1, 1, 1, 0.5F})}};
  // triangles of half-width 2 over 8 elements: weights 1/8 3/8 3/8 1/8
  expect_close(run(op_case), {0, 4, 4, 0}, 1e-5F);
}

// --- The rest
// -----------------------------------------------------------------------------------------

TEST(Softmax, BeforeOpset13SpansAllAxesBehindItsOwn) {
  const Tensor x = Tensor::from<float>({1, 2, 2}, {0, 0, 0, std::log(2.0F)});
  expect_close(run({"Softmax", 11, "", {}, {data(x)}}), {0.2F, 0.2F, 0.2F, 0.4F}, 1e-6F);
  expect_close(run({"Softmax", 13, "", {}, {data(x)}}), {0.5F, 0.5F, 1.0F / 3, 2.0F / 3}, 1e-6F);
}

TEST(Pad, RepeatsAsItsModeSays) {
  const auto padded = [](const std::string& mode, const Ints& pads) {
    return run(
        {"Pad",
         19,
         "",
         {{"mode", mode}},
         {data(Tensor::from<float>({1, 3}, {1, 2, 3})), constant_ints({0, pads[0], 0, pads[1]})}});
  };
  EXPECT_EQ(padded("constant", {1, 2}), (Floats{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(padded("constant", {-1, 1}), (Floats{2, 3, 0}));
  EXPECT_EQ(padded("reflect", {2, 2}), (Floats{3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(padded("edge", {2, 1}), (Floats{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(padded("wrap", {2, 4}), (Floats{2, 3, 1, 2, 3, 1, 2, 3, 1}));
}

TEST(Gather, NegativeIndicesCountFromTheEnd) {
  const Tensor x = Tensor::from<float>({4}, {10, 11, 12, 13});
  EXPECT_EQ(run({"Gather", 13, "", {}, {data(x), constant_ints({-1, 0, -4, 2})}}),
            (Floats{13, 10, 10, 12}));
}

TEST(Slice, NegativeStepsWalkBackwards) {
  const auto sliced = [](std::int64_t start, std::int64_t end, std::int64_t step) {
    return run({"Slice",
                13,
                "",
                {},
                {data(Tensor::from<float>({5}, {0, 1, 2, 3, 4})),
                 constant_ints({start}),
                 constant_ints({end}),
                 constant_ints({0}),
                 constant_ints({step})}});
  };
  EXPECT_EQ(sliced(-1, INT64_MIN, -1), (Floats{4, 3, 2, 1, 0}));
  EXPECT_EQ(sliced(3, 0, -1), (Floats{3, 2, 1}));
  EXPECT_EQ(sliced(4, -5, -2), (Floats{4, 2}));
  EXPECT_EQ(sliced(100, 1, -2), (Floats{4, 2}));
  EXPECT_EQ(sliced(1, 3, -1), (Floats{}));
}

TEST(PRelu, BroadcastsItsSlope) {
  const Tensor x = Tensor::from<float>({1, 2, 1, 2}, {-1, 2, -3, 4});
  const auto slope = constant(Tensor::from<float>({2, 1, 1}, {0.5F, 0.1F}));
  expect_close(run({"PRelu", 13, "", {}, {data(x), slope}}), {-0.5F, 2, -0.3F, 4}, 1e-6F);
}

TEST(TopK, GivesEqualElementsInTheirOrder) {
  const Tensor x = Tensor::from<float>({5}, {2, 3, 1, 3, 2});
  const OpCase op_case{"TopK", 11, "", {}, {data(x), constant_ints({4})}, 2};
  const auto outputs = testing::run_case(op_case);
  EXPECT_EQ(outputs[0].to_floats(), (Floats{3, 3, 2, 2}));
  EXPECT_EQ(outputs[1].to_int64s(), (Ints{1, 3, 0, 4}));
}

TEST(ArgMax, NamesTheFirstOrTheLastOfEquals) {
  const Tensor x = Tensor::from<float>({5}, {2, 3, 1, 3, 2});
  const OpCase first{"ArgMax", 13, "", {{"axis", 0}}, {data(x)}};
  const OpCase last{"ArgMax", 13, "", {{"axis", 0}, {"select_last_index", 1}}, {data(x)}};
  EXPECT_EQ(testing::run_case(first)[0].to_int64s(), Ints{1});
  EXPECT_EQ(testing::run_case(last)[0].to_int64s(), Ints{3});
}

TEST(DepthToSpace, OrdersBlocksByItsMode) {
  // channel c of 8 holds the number c
  const Tensor x = Tensor::from<float>({1, 8, 1, 1}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto moved = [&](const std::string& mode) {
    return run({"DepthToSpace", 13, "", {{"blocksize", 2}, {"mode", mode}}, {data(x)}});
  };
  EXPECT_EQ(moved("DCR"), (Floats{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(moved("CRD"), (Floats{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(QuantizeLinear, RoundsHalvesToEvenAndSaturates) {
  const Tensor x = Tensor::from<float>({6}, {-1000, -0.75F, -0.25F, 0.25F, 0.75F, 1000});
  const OpCase op_case{
      "QuantizeLinear",
      13,
      "",
      {},
      {data(x), constant(Tensor::scalar(0.5F)), constant(Tensor::scalar<std::uint8_t>(10))}};
  // steps -2000 -1.5 -0.5 0.5 1.5 2000 round to ... -2 0 0 2 ...
  EXPECT_EQ(testing::run_case(op_case)[0].to_int64s(), (Ints{0, 8, 10, 10, 12, 255}));
}

TEST(FakeQuantize, EqualsQuantizingAndDequantizing) {
  const auto x = data(normal({4, 5, 6, 7}, 3));
  const auto scale = constant(Tensor::scalar(0.0173F));
  const auto zero_point = constant(Tensor::scalar<std::uint8_t>(117));
  const OpCase quantize{"QuantizeLinear", 13, "", {}, {x, scale, zero_point}};
  const OpCase dequantize{
      "DequantizeLinear", 13, "", {}, {data(testing::run_case(quantize)[0]), scale, zero_point}};
  OpCase fake{"FakeQuantize", 13, "", {}, {x, scale, zero_point}};
  fake.domain = "ompq";
  EXPECT_EQ(run(fake), run(dequantize));
}

TEST(FusedConv, EqualsItsParts) {
  const auto x = data(normal({2, 4, 7, 8}, 1));
  const auto w = constant(normal({6, 4, 3, 3}, 2));
  const auto b = constant(normal({6}, 3));
  const Tensor residual = normal({2, 6, 5, 6}, 4);
  OpCase fused{"FusedConv", 13, "", {{"activation", "Relu"}}, {x, w, b, data(residual)}};
  fused.domain = "ompq";
  Floats expected = run({"Conv", 13, "", {}, {x, w, b}});
  const Floats added = residual.to_floats();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] = std::max(0.0F, expected[i] + added[i]);
  }
  expect_close(run(fused), expected, 1e-5F);
}

}  // namespace
}  // namespace ompq::ops
