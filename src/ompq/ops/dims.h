#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ompq/graph/shape.h"

namespace ompq::ops {

/// Arithmetic on numbers that may be a multiple of the batch size N >= 1. Nullopt if the result is
/// neither a number nor a multiple of N.
using MaybeDim = std::optional<graph::Dim>;

[[nodiscard]] MaybeDim add(graph::Dim a, graph::Dim b);
[[nodiscard]] MaybeDim subtract(graph::Dim a, graph::Dim b);
[[nodiscard]] MaybeDim multiply(graph::Dim a, graph::Dim b);
/// Truncating, as ONNX divides integers.
[[nodiscard]] MaybeDim divide(graph::Dim a, graph::Dim b);
/// Sign of the divisor, as ONNX Mod with fmod = 0.
[[nodiscard]] MaybeDim modulo(graph::Dim a, graph::Dim b);
[[nodiscard]] MaybeDim minimum(graph::Dim a, graph::Dim b);
[[nodiscard]] MaybeDim maximum(graph::Dim a, graph::Dim b);

/// True if the relation is valid for every batch size; nullopt if that depends on N.
[[nodiscard]] std::optional<bool> equal(graph::Dim a, graph::Dim b);
[[nodiscard]] std::optional<bool> less(graph::Dim a, graph::Dim b);

/// Product of the extents; nullopt if N appears twice.
[[nodiscard]] MaybeDim product(const std::vector<graph::Dim>& dims);

}  // namespace ompq::ops
