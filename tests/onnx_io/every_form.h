#pragma once

#include <string>

#include "ompq/onnx_io/exporter.h"
#include "ompq/quant/level_set.h"
#include "onnx_io/small_network.h"

namespace ompq::testing {

/// Adds a weight that the network returns as it is, so that its unpacked elements can be seen.
inline void add_seen_weight(graph::Graph& graph,
                            onnx_io::ExportOptions& options,
                            std::vector<std::int64_t> shape,
                            BitWidth bits,
                            quant::Symmetry symmetry,
                            quant::Granularity granularity) {
  const std::string name = "w" + std::to_string(options.quantized.size());
  const graph::ValueId weight =
      graph.add_constant(name, normal_tensor(std::move(shape), options.quantized.size()));
  graph.mark_output(graph.add_op({"see_" + name, "Identity", "", {weight}, {}, {}}));
  options.quantized[name] = quantized(graph, name, bits, symmetry, granularity);
}

/// Every width with every symmetry, along each axis of some weight, and with element counts of
/// every remainder by 8.
[[nodiscard]] inline graph::Graph every_form(onnx_io::ExportOptions& options) {
  graph::Graph graph;
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    const BitWidth width(bits);
    const auto add =
        [&](std::vector<std::int64_t> shape, quant::Symmetry symmetry, quant::Granularity axis) {
          add_seen_weight(graph, options, std::move(shape), width, symmetry, axis);
        };
    add({4, 3, 2, 2}, quant::Symmetry::Asymmetric, quant::Granularity::along(0));
    add({3, 5, 3, 1}, quant::Symmetry::Asymmetric, quant::Granularity::along(1));
    add({7, bits}, quant::Symmetry::Asymmetric, quant::Granularity::per_tensor());
    add({5, 9}, quant::Symmetry::Symmetric, quant::Granularity::along(1));
    add({bits, 11}, quant::Symmetry::Symmetric, quant::Granularity::along(0));
    add({1}, quant::Symmetry::Symmetric, quant::Granularity::per_tensor());
    if (!quant::has_normal_levels(width)) continue;
    add({5, 3, 2, 2}, quant::Symmetry::Normal, quant::Granularity::along(0));
    add({3, 7}, quant::Symmetry::Normal, quant::Granularity::along(1));
  }
  return graph;
}

}  // namespace ompq::testing
