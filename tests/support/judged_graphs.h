#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::testing {

/// Inputs of a network by name.
using Feed = std::map<std::string, Tensor>;

/// Seeded standard normal numbers for every input, `batch` samples where the batch is open.
[[nodiscard]] Feed normal_feed(const graph::Graph& graph, std::int64_t batch, std::uint64_t seed);

/// What ONNX Runtime computes for the networks of one call, which it runs in one process.
class JudgedGraphs {
 public:
  /// @param graph  without fused nodes, which no file can hold.
  void add(const std::string& name, const graph::Graph& graph, const Feed& feed);
  /// Outputs of each network in the graph's order, node by node without ONNX Runtime's own graph
  /// optimization. A network that it refuses fails the running test and has no outputs.
  [[nodiscard]] std::map<std::string, std::vector<Tensor>> run() const;

 private:
  struct Entry {
    std::string name;
    std::string bytes;
    Feed feed;
  };
  std::vector<Entry> entries_;
};

/// Fails the running test where outputs differ by more than float32 allows in sums and depths of up
/// to 2^10: 2^-24 for each product and sum on both sides, together 2^-13 of the largest output.
void expect_same_outputs(const std::vector<Tensor>& got,
                         const std::vector<Tensor>& expected,
                         const std::string& name);

}  // namespace ompq::testing
