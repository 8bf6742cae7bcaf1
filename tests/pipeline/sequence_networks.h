#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "support/graph_builder.h"

/// Small networks whose weights are tables, stacks of matrices and those of recurrent operators.
namespace ompq::pipeline {

struct SequenceNetwork {
  std::string name;
  std::function<graph::Graph(int opset)> make;
  std::size_t layers = 0;
  bool reads_tokens = true;  ///< "ids" [N, kSteps] int64, else "x" [N, kSteps, kFeatures]
};

inline void PrintTo(const SequenceNetwork& row, std::ostream* out) { *out << row.name; }

inline constexpr std::int64_t kTokens = 40;
inline constexpr std::int64_t kSteps = 6;
inline constexpr std::int64_t kFeatures = 16;
inline constexpr std::int64_t kHidden = 8;

class SequenceBuilder : public testing::GraphBuilder {
 public:
  using testing::GraphBuilder::GraphBuilder;

  ValueId tokens() {
    return graph().add_input(
        "ids", DataType::Int64, {graph::Dim::batch(), graph::Dim::fixed(kSteps)});
  }

  /// [N, steps, features].
  ValueId embedding(ValueId ids, const std::string& name = "embedding") {
    table = normal_constant(name + ".table", {kTokens, kFeatures}, 0.5);
    return op({name, "Gather", "", {table, ids}}, by_step(kFeatures));
  }

  /// LSTM, GRU or RNN over [N, steps, features], [N, steps, hidden * directions].
  ValueId recurrent(const std::string& type, ValueId x, std::int64_t directions = 1) {
    const std::int64_t gates = type == "LSTM" ? 4 : type == "GRU" ? 3 : 1;
    const std::string name = type == "LSTM" ? "lstm" : type == "GRU" ? "gru" : "rnn";
    x = transpose(name + " steps first", x, {1, 0, 2});
    const auto w = normal_constant(name + ".w", {directions, gates * kHidden, kFeatures}, 0.3);
    const auto r = normal_constant(name + ".r", {directions, gates * kHidden, kHidden}, 0.3);
    const auto b = normal_constant(name + ".b", {directions, 2 * gates * kHidden}, 0.1);
    graph::Node node{name, type, "", {x, w, r, b}};
    node.attributes["hidden_size"] = kHidden;
    if (directions == 2) node.attributes["direction"] = std::string("bidirectional");
    using graph::Dim;
    x = op(std::move(node),
           {Dim::fixed(kSteps), Dim::fixed(directions), Dim::batch(), Dim::fixed(kHidden)});
    x = transpose(name + " batch first", x, {2, 0, 1, 3});
    return reshape(
        name + " rows", x, {0, kSteps, directions * kHidden}, by_step(directions * kHidden));
  }

  static graph::Shape by_step(std::int64_t features) {
    return {graph::Dim::batch(), graph::Dim::fixed(kSteps), graph::Dim::fixed(features)};
  }

  ValueId table = graph::kNoValue;
};

/// Where a class for every token comes from: "transposed", by a Transpose of the table; "copied",
/// by a second constant, as exporters fold that; "gemm", by a Gemm over rows that reads the table.
inline graph::Graph tied_transformer(const std::string& head, int opset) {
  using graph::Dim;
  SequenceBuilder builder("tied", 1, opset);
  auto x = builder.embedding(builder.tokens());
  const auto q = builder.linear("query", x, kFeatures);
  const auto k = builder.transpose("keys turned", builder.linear("key", x, kFeatures), {0, 2, 1});
  const graph::Shape square{Dim::batch(), Dim::fixed(kSteps), Dim::fixed(kSteps)};
  const auto scores = builder.op({"scores", "MatMul", "", {q, k}}, square);
  const auto shares = builder.unary("Softmax", "shares", scores);
  const auto mixed =
      builder.op({"mixed", "MatMul", "", {shares, builder.linear("value", x, kFeatures)}},
                 SequenceBuilder::by_step(kFeatures));
  x = builder.add("residual", x, builder.linear("projection", mixed, kFeatures));
  if (head == "gemm") {
    x = builder.reshape("rows", x, {-1, kFeatures}, {Dim::batch(), Dim::fixed(kFeatures)});
    graph::Node gemm{"head", "Gemm", "", {x, builder.table}};
    gemm.attributes["transB"] = std::int64_t{1};
    return builder.finish({builder.op(gemm, {Dim::batch(), Dim::fixed(kTokens)})});
  }
  auto turned = builder.transpose("turned", builder.table, {1, 0});
  if (head == "copied") {
    const Tensor& table = *builder.graph().value(builder.table).constant;
    std::vector<float> copy(static_cast<std::size_t>(table.elements()));
    for (std::size_t i = 0; i < copy.size(); ++i) {
      copy[i % kFeatures * kTokens + i / kFeatures] = table.data<float>()[i];
    }
    turned = builder.constant("head.weight", Tensor::from({kFeatures, kTokens}, copy));
  }
  return builder.finish(
      {builder.op({"head", "MatMul", "", {x, turned}}, SequenceBuilder::by_step(kTokens))});
}

inline graph::Graph tagger(const std::string& type, std::int64_t directions, int opset) {
  SequenceBuilder builder("tagger", 1, opset);
  const auto x = builder.recurrent(type, builder.embedding(builder.tokens()), directions);
  return builder.finish({builder.linear("tags", x, 5)});
}

/// The last state alone, the second output of the operator.
inline graph::Graph last_state(int opset) {
  using graph::Dim;
  SequenceBuilder builder("last state", 1, opset);
  auto x = builder.embedding(builder.tokens());
  x = builder.transpose("steps first", x, {1, 0, 2});
  const auto w = builder.normal_constant("gru.w", {1, 3 * kHidden, kFeatures}, 0.3);
  const auto r = builder.normal_constant("gru.r", {1, 3 * kHidden, kHidden}, 0.3);
  graph::Node node{"gru", "GRU", "", {x, w, r}, {graph::kNoValue}};
  node.attributes["hidden_size"] = kHidden;
  node.attributes["linear_before_reset"] = std::int64_t{1};
  x = builder.op(std::move(node), {Dim::fixed(1), Dim::batch(), Dim::fixed(kHidden)});
  x = builder.reshape("state", x, {-1, kHidden}, {Dim::batch(), Dim::fixed(kHidden)});
  return builder.finish({builder.gemm("classes", x, 5)});
}

/// A product with a stack of matrices, [groups, in, out], and one with a stack of stacks.
inline graph::Graph stacks(int opset) {
  using graph::Dim;
  SequenceBuilder builder("stacks", 1, opset);
  auto x = builder.input("x", SequenceBuilder::by_step(kFeatures));
  const auto step = [](std::int64_t n, std::int64_t features) {
    return graph::Shape{Dim::batch(), Dim::fixed(n), Dim::fixed(kSteps), Dim::fixed(features)};
  };
  x = builder.reshape("groups", x, {0, 1, kSteps, kFeatures}, step(1, kFeatures));
  const auto first = builder.normal_constant("first.weight", {3, kFeatures, 12}, 0.3);
  x = builder.relu("relu", builder.op({"first", "MatMul", "", {x, first}}, step(3, 12)));
  const auto second = builder.normal_constant("second.weight", {1, 3, 12, 8}, 0.3);
  x = builder.relu("relu again", builder.op({"second", "MatMul", "", {x, second}}, step(3, 8)));
  x = builder.reshape("row", x, {0, 3 * kSteps * 8}, {Dim::batch(), Dim::fixed(3 * kSteps * 8)});
  return builder.finish({builder.gemm("classes", x, 5)});
}

/// A table that is large enough to be decoded row by row.
inline graph::Graph large_table(std::int64_t features, int opset) {
  SequenceBuilder builder("large table", 1, opset);
  const auto ids = builder.tokens();
  const auto table = builder.normal_constant("embedding.table", {8192, features}, 0.5);
  const auto x =
      builder.op({"embedding", "Gather", "", {table, ids}}, SequenceBuilder::by_step(features));
  return builder.finish({builder.linear("tags", x, 5)});
}

inline std::vector<SequenceNetwork> sequence_networks() {
  return {
      {"LSTM tagger", [](int opset) { return tagger("LSTM", 1, opset); }, 4},
      {"GRU tagger", [](int opset) { return tagger("GRU", 1, opset); }, 4},
      {"RNN tagger", [](int opset) { return tagger("RNN", 1, opset); }, 4},
      {"bidirectional LSTM", [](int opset) { return tagger("LSTM", 2, opset); }, 4},
      {"last state", last_state, 4},
      {"tied, transposed", [](int opset) { return tied_transformer("transposed", opset); }, 5},
      {"tied, copied", [](int opset) { return tied_transformer("copied", opset); }, 5},
      {"tied, gemm", [](int opset) { return tied_transformer("gemm", opset); }, 6},
      {"large table", [](int opset) { return large_table(8, opset); }, 2},
      {"large table of odd rows", [](int opset) { return large_table(9, opset); }, 2},
      {"stacks", stacks, 3, false},
  };
}

}  // namespace ompq::pipeline
