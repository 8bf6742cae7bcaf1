#include "ompq/ops/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::ops {
namespace {

using Ints = std::vector<std::int64_t>;
using ::testing::HasSubstr;

graph::Node pool(std::map<std::string, graph::Attribute> attributes) {
  graph::Node node;
  node.name = "pool";
  node.op_type = "MaxPool";
  node.attributes = std::move(attributes);
  return node;
}

Window window_of(const graph::Node& node, const Ints& input) {
  return sliding_window({node, 13}, input);
}

std::string message_of(const graph::Node& node, const Ints& input) {
  try {
    (void)window_of(node, input);
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "";
}

TEST(SlidingWindow, SameKeepsTheExtentOverTheStride) {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER"}) {
    for (std::int64_t input = 1; input <= 12; ++input) {
      for (std::int64_t stride = 1; stride <= 3; ++stride) {
        for (std::int64_t kernel = 1; kernel <= 5; ++kernel) {
          const graph::Node node = pool({{"kernel_shape", Ints{kernel}},
                                         {"strides", Ints{stride}},
                                         {"auto_pad", std::string(mode)}});
          const Window window = window_of(node, {input});
          EXPECT_EQ(window.output[0], (input + stride - 1) / stride);
          const std::int64_t odd = window.pad_tail[0] - window.pad_head[0];
          EXPECT_EQ(std::abs(odd), (window.pad_tail[0] + window.pad_head[0]) % 2);
          EXPECT_EQ(odd > 0, odd != 0 && std::string(mode) == "SAME_UPPER");
        }
      }
    }
  }
}

TEST(SlidingWindow, CeilModeAddsAWindowOnlyIfItStartsInside) {
  for (std::int64_t input = 3; input <= 12; ++input) {
    for (std::int64_t stride = 1; stride <= 4; ++stride) {
      for (std::int64_t kernel = 1; kernel <= 3; ++kernel) {
        for (std::int64_t pad = 0; 2 * pad <= kernel; ++pad) {
          const graph::Node node = pool({{"kernel_shape", Ints{kernel}},
                                         {"strides", Ints{stride}},
                                         {"pads", Ints{pad, pad}},
                                         {"ceil_mode", 1}});
          // Counted one by one: a window goes on while the one before does not reach the end.
          std::int64_t expected = 1;
          for (std::int64_t start = -pad;; start += stride, ++expected) {
            const bool reaches_end = start + kernel >= input + pad;
            if (reaches_end || start + stride >= input) break;
          }
          EXPECT_EQ(window_of(node, {input}).output[0], expected)
              << "input " << input << ", kernel " << kernel << ", stride " << stride << ", pad "
              << pad;
        }
      }
    }
  }
}

TEST(SlidingWindow, SaysWhatDoesNotFit) {
  EXPECT_THAT(message_of(pool({{"kernel_shape", Ints{5, 5}}}), {4, 8}),
              HasSubstr("MaxPool node 'pool': a window of 5 does not fit an extent of 4"));
  EXPECT_THAT(message_of(pool({{"kernel_shape", Ints{2}}}), {4, 8}),
              HasSubstr("a kernel of shape [2] does not fit 2 spatial axes"));
  EXPECT_THAT(message_of(pool({{"kernel_shape", Ints{2, 2}}, {"strides", Ints{0, 1}}}), {4, 8}),
              HasSubstr("'strides' is [0, 1]; entries must be 1 to 1073741824"));
  EXPECT_THAT(message_of(pool({{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1}}}), {4, 8}),
              HasSubstr("'pads' has 2 entries for 4 axes"));
  EXPECT_THAT(
      message_of(pool({{"kernel_shape", Ints{2, 2}}, {"auto_pad", std::string("ODD")}}), {4, 8}),
      HasSubstr("auto_pad 'ODD' is unknown"));
}

}  // namespace
}  // namespace ompq::ops
