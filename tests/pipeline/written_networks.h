#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/graph_builder.h"

/// Small networks that hold each operator in the surroundings in which runtimes have ideas of their
/// own about it: between quantizers.
namespace ompq::pipeline {

struct WrittenNetwork {
  std::string name;
  std::function<graph::Graph()> make;
};

inline constexpr std::int64_t kWrittenSide = 6;
inline constexpr std::int64_t kWrittenChannels = 4;

inline graph::Shape written_input() {
  return {graph::Dim::batch(),
          graph::Dim::fixed(kWrittenChannels),
          graph::Dim::fixed(kWrittenSide),
          graph::Dim::fixed(kWrittenSide)};
}

/// A convolution before each activation, and one after the last.
inline graph::Graph convolutions(bool bias) {
  testing::GraphBuilder builder("convolutions");
  auto x = builder.input("x", written_input());
  const testing::ConvOptions conv{.out = kWrittenChannels, .kernel = 3, .bias = bias};
  const auto next = [&](const std::string& name) { return builder.conv("conv " + name, x, conv); };
  for (const std::string type : {"Relu",
                                 "LeakyRelu",
                                 "Sigmoid",
                                 "Tanh",
                                 "HardSigmoid",
                                 "Elu",
                                 "Selu",
                                 "Celu",
                                 "Softplus",
                                 "ThresholdedRelu",
                                 "Erf"}) {
    x = builder.unary(type, type, next(type));
  }
  x = builder.clip("relu6", next("relu6"), 0.0F, 6.0F);
  const auto gate = next("silu");
  x = builder.binary("Mul", "silu", gate, builder.unary("Sigmoid", "gate", gate));
  x = builder.binary("PRelu",
                     "prelu",
                     next("prelu"),
                     builder.normal_constant("slope", {kWrittenChannels, 1, 1}, 0.1));
  return builder.finish({next("last")});
}

/// Rows of the features, through fully connected layers.
inline graph::Graph products(const std::string& op, bool bias) {
  testing::GraphBuilder builder("products");
  auto x = builder.flatten("flatten", builder.input("x", written_input()));
  for (const std::string name : {"first", "second", "third"}) {
    if (op == "Gemm" && bias) {
      x = builder.gemm(name, x, 12);
    } else if (op == "Gemm") {
      const std::int64_t in = builder.channels(x);
      x = builder.op(
          {name, "Gemm", "", {x, builder.normal_constant(name + ".weight", {in, 12}, 0.3)}},
          {graph::Dim::batch(), graph::Dim::fixed(12)});
    } else {
      x = builder.linear(name, x, 12, bias);
    }
    if (name != "third") x = builder.relu(name + " relu", x);
  }
  return builder.finish({x});
}

inline graph::Graph transposed_convolutions(bool bias) {
  testing::GraphBuilder builder("transposed");
  auto x = builder.input("x", written_input());
  const testing::ConvOptions options{
      .out = kWrittenChannels, .kernel = 2, .stride = 2, .pads = {0, 0, 0, 0}, .bias = bias};
  x = builder.relu("relu", builder.conv_transpose("up", x, options));
  return builder.finish({builder.conv_transpose("up again", x, options)});
}

/// One weight in two layers, and one value that several operators read.
inline graph::Graph shared_weights() {
  testing::GraphBuilder builder("shared");
  auto x = builder.flatten("flatten", builder.input("x", written_input()));
  const std::int64_t width = builder.channels(x);
  const auto weight = builder.normal_constant("shared.weight", {width, width}, 0.1);
  const graph::Shape rows{graph::Dim::batch(), graph::Dim::fixed(width)};
  x = builder.relu("relu", builder.op({"one", "MatMul", "", {x, weight}}, rows));
  x = builder.relu("relu again", builder.op({"two", "MatMul", "", {x, weight}}, rows));
  return builder.finish({builder.gemm("head", x, 5)});
}

/// Operators whose operands are all quantized, and so is what they make.
inline graph::Graph joins() {
  testing::GraphBuilder builder("joins");
  const auto x = builder.input("x", written_input());
  const testing::ConvOptions conv{.out = kWrittenChannels, .kernel = 3, .bias = true};
  const auto a = builder.relu("relu a", builder.conv("a", x, conv));
  const auto b = builder.relu("relu b", builder.conv("b", a, conv));
  const auto c = builder.conv("c", b, conv);  // so that a and b are quantized
  auto sum = builder.conv("after sum", builder.add("add", a, b), conv);
  auto product = builder.conv("after product", builder.binary("Mul", "mul", a, b), conv);
  auto both = builder.conv("after both", builder.concat("concat", {a, b}, 1), conv);
  sum = builder.add("sum of sums", sum, builder.add("more", product, both));
  return builder.finish({builder.add("all", sum, c)});
}

/// Operators of one quantized operand, as in a squeeze-and-excitation block.
inline graph::Graph squeeze() {
  testing::GraphBuilder builder("squeeze");
  const testing::ConvOptions conv{.out = kWrittenChannels, .kernel = 3, .bias = true};
  const testing::ConvOptions point{.out = kWrittenChannels, .kernel = 1, .bias = true};
  const auto x =
      builder.relu("relu", builder.conv("stem", builder.input("x", written_input()), conv));
  const auto seen = builder.conv("seen", x, conv);
  auto gate = builder.conv("reduce", builder.global_average_pool("pool", x), point);
  gate =
      builder.unary("Sigmoid", "sigmoid", builder.conv("expand", builder.relu("r", gate), point));
  const auto scaled = builder.binary("Mul", "scale", x, gate);
  auto small = builder.conv("after pool", builder.max_pool("max", x, 2, 2, 0), conv);
  small = builder.conv("after average", builder.relu("s", small), conv);
  const auto head = builder.gemm("head", builder.flatten("flat", small), 3);
  return builder.finish({builder.add("out", builder.conv("project", scaled, point), seen), head});
}

inline std::vector<WrittenNetwork> written_networks() {
  return {{"convolutions", [] { return convolutions(true); }},
          {"convolutions without bias", [] { return convolutions(false); }},
          {"gemm", [] { return products("Gemm", true); }},
          {"gemm without bias", [] { return products("Gemm", false); }},
          {"matmul", [] { return products("MatMul", true); }},
          {"matmul without bias", [] { return products("MatMul", false); }},
          {"transposed convolutions", [] { return transposed_convolutions(true); }},
          {"transposed convolutions without bias", [] { return transposed_convolutions(false); }},
          {"shared weights", shared_weights},
          {"joins", joins},
          {"squeeze", squeeze}};
}

}  // namespace ompq::pipeline
