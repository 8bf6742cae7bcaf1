#pragma once

#include <cstdint>

#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// Memory of a forward pass with the fewest samples (one, or the network's fixed batch), in bytes:
/// twice the float32 activations that are alive at once, since kernels convert layouts and captures
/// are copies. Measured on MobileNetV2 and ResNet-50: 1.5 to 1.9 times. Without shapes, 0.
[[nodiscard]] std::int64_t pass_bytes(const graph::Graph& graph);

/// Memory of such a pass and of its gradients: all float32 activations and as much again.
[[nodiscard]] std::int64_t gradient_pass_bytes(const graph::Graph& graph);

/// Limits a number of passes to memory_part(), or without --memory to half of the machine's memory;
/// at least one.
[[nodiscard]] std::int64_t passes_in_memory(const graph::Graph& graph, std::int64_t wanted);

}  // namespace ompq::runtime
