#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/tensor.h"

namespace ompq::sensitivity {

/// Loss of quantizing single layers: layers x widths, in the order of both lists.
struct LossTable {
  std::vector<BitWidth> widths;  ///< ascending
  std::vector<double> values;    ///< row-major [layer][width], >= 0, non-increasing with the width
  [[nodiscard]] double at(std::size_t layer, std::size_t width) const {
    return values[layer * widths.size() + width];
  }
  [[nodiscard]] std::size_t rows() const {
    return widths.empty() ? 0 : values.size() / widths.size();
  }
};

/// Returns the weight of `layer` after quantization to a width and dequantization, float32, with
/// the weight's shape. It is called again for every batch, so slow quantizers should cache their
/// results.
using QuantizedWeight = std::function<Tensor(std::size_t layer, BitWidth width)>;

/// Makes each row non-increasing by the running minimum: a higher loss of a larger width is
/// measurement noise.
void forbid_growth(LossTable& table);

/// Replaces each row by its lower convex envelope over the widths.
void make_convex(LossTable& table);

/// Extrapolates the columns of widths above `widest_measured`, assuming that the loss is
/// proportional to the error: loss(l, w) = loss(l, m) error(l, w) / error(l, m), m the widest
/// measured width.
/// @param errors  squared error of the layer's output, with the table's shape; columns of widths
/// below m are not used.
void extrapolate_widths(LossTable& table, const LossTable& errors, BitWidth widest_measured);

}  // namespace ompq::sensitivity
