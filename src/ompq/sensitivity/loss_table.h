#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/tensor.h"

namespace ompq::sensitivity {

/// What one layer's quantization costs the network: layers x widths, in the order of both lists.
struct LossTable {
  std::vector<BitWidth> widths;  ///< ascending
  std::vector<double> values;    ///< row-major [layer][width], >= 0, never growing with the width
  [[nodiscard]] double at(std::size_t layer, std::size_t width) const {
    return values[layer * widths.size() + width];
  }
  [[nodiscard]] std::size_t rows() const {
    return widths.empty() ? 0 : values.size() / widths.size();
  }
};

/// The weight of `layer` after quantization to a width and back, float32, of the weight's shape.
/// It is asked for again with every batch: whoever quantizes slowly keeps what was made.
using QuantizedWeight = std::function<Tensor(std::size_t layer, BitWidth width)>;

/// Takes each entry down to the least of its row so far: what a wider width costs more is noise of
/// the measurement.
void forbid_growth(LossTable& table);

/// Takes each row down to its lower convex envelope over the widths.
void make_convex(LossTable& table);

/// Fills the columns of widths above `widest_measured` by the law of small errors, loss ~ error:
/// loss(l, w) = loss(l, m) error(l, w) / error(l, m), m the widest measured width.
/// @param errors  squared error of the layer's own output, of the table's shape; columns of widths
/// below m are not read.
void extrapolate_widths(LossTable& table, const LossTable& errors, BitWidth widest_measured);

}  // namespace ompq::sensitivity
