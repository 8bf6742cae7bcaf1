#include <cstdio>
#include <exception>
#include <vector>

#include "ompq/core/byte_count.h"
#include "ompq/core/tensor.h"
#include "ompq/core/version.h"
#include "ompq/graph/graph.h"

/// Builds a one-node network and asks the library about it.
int main() {
  try {
    ompq::graph::Graph graph;
    const auto input = graph.add_input("x", ompq::DataType::Float32, {});
    const auto output = graph.add_op({.name = "act", .op_type = "Relu", .inputs = {input}});
    graph.mark_output(output);
    graph.sort();
    const auto weights = ompq::Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3, 4});
    std::printf("ompq %s: %zu node, %s weights, %lld bytes\n",
                ompq::library_version(),
                graph.nodes().size(),
                ompq::shape_text(weights.shape()).c_str(),
                static_cast<long long>(ompq::parse_byte_count("1.5 KiB")));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
