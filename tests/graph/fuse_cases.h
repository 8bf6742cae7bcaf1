#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/graph/graph.h"
#include "support/graph_builder.h"

namespace ompq::testing {

/// Networks that graph::fuse changes. tests/graph says what they become, tests/runtime holds what
/// the fused ones compute against ONNX Runtime: nothing else runs fused nodes.
struct FuseCase {
  std::string name;
  graph::Graph graph;
};

inline graph::Shape fuse_image() {
  using graph::Dim;
  return {Dim::batch(), Dim::fixed(4), Dim::fixed(5), Dim::fixed(5)};
}

inline std::vector<std::string> op_types(const graph::Graph& graph) {
  std::vector<std::string> types;
  for (const graph::Node& node : graph.nodes()) types.push_back(node.op_type);
  return types;
}

/// A convolution whose output `follow` reads.
using Follow = std::function<graph::ValueId(GraphBuilder&, graph::ValueId)>;
inline graph::Graph conv_then(const Follow& follow) {
  GraphBuilder b("conv_then");
  const auto x =
      b.conv("conv", b.input("input", fuse_image()), {.out = 4, .kernel = 3, .bias = true});
  return b.finish({follow(b, x)});
}

/// The bias and residual of a MatMul.
inline graph::Graph linear_with_residual() {
  GraphBuilder b("matmul");
  using graph::Dim;
  const auto x = b.input("input", {Dim::batch(), Dim::fixed(3), Dim::fixed(4)});
  return b.finish({b.add("residual", x, b.linear("linear", x, 4))});
}

inline graph::Graph with_silu(bool swapped) {
  return conv_then([&](GraphBuilder& b, graph::ValueId x) {
    const auto gate = b.unary("Sigmoid", "gate", x);
    return swapped ? b.binary("Mul", "mul", gate, x) : b.binary("Mul", "mul", x, gate);
  });
}

inline graph::Graph with_residual(bool swapped) {
  return conv_then([&](GraphBuilder& b, graph::ValueId x) {
    const auto input = b.graph().inputs()[0];
    return b.relu("relu", swapped ? b.add("add", input, x) : b.add("add", x, input));
  });
}

inline std::vector<FuseCase> fuse_cases() {
  using graph::ValueId;
  const auto input = [](GraphBuilder& b) { return b.graph().inputs()[0]; };
  return {
      {"relu", conv_then([](GraphBuilder& b, ValueId x) { return b.relu("relu", x); })},
      {"clip",
       conv_then([](GraphBuilder& b, ValueId x) { return b.clip("clip", x, -0.5F, 1.5F); })},
      {"crossed clip",
       conv_then([](GraphBuilder& b, ValueId x) { return b.clip("clip", x, 1.5F, -0.5F); })},
      {"silu", with_silu(false)},
      {"swapped silu", with_silu(true)},
      {"residual", with_residual(false)},
      {"swapped residual", with_residual(true)},
      {"two convolutions", conv_then([&](GraphBuilder& b, ValueId x) {
         return b.add("add", x, b.conv("late", input(b), {.out = 4}));
       })},
      {"add after activation", conv_then([&](GraphBuilder& b, ValueId x) {
         return b.add("add", b.relu("relu", x), input(b));
       })},
      {"second reader", conv_then([](GraphBuilder& b, ValueId x) {
         return b.add("add", b.relu("relu", x), b.unary("Sigmoid", "sigmoid", x));
       })},
      {"matmul", linear_with_residual()},
  };
}

}  // namespace ompq::testing
