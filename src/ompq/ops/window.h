#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/ops/operator.h"

namespace ompq::ops {

/// How a window slides over the spatial axes: attributes of a convolution or pooling with auto_pad
/// and defaults resolved. One entry per spatial axis.
struct Window {
  std::vector<std::int64_t> kernel;
  std::vector<std::int64_t> stride;
  std::vector<std::int64_t> dilation;
  std::vector<std::int64_t> pad_head;  ///< before the first element; >= 0
  std::vector<std::int64_t> pad_tail;  ///< after the last; >= 0
  std::vector<std::int64_t> output;    ///< number of window positions

  [[nodiscard]] std::size_t axes() const { return kernel.size(); }
  [[nodiscard]] bool symmetric() const { return pad_head == pad_tail; }
};

/// The window of a Conv or pooling node over `input` spatial extents. ceil_mode keeps a last window
/// only if it starts inside of the input or its leading padding.
/// @param kernel  the weight's spatial extents, or empty for the attribute `kernel_shape`.
/// @throws ShapeError naming the node.
[[nodiscard]] Window sliding_window(const OpContext& context,
                                    std::span<const std::int64_t> input,
                                    std::span<const std::int64_t> kernel = {});

/// The window of a ConvTranspose node: the result is the full transposed convolution,
/// stride * (input - 1) + dilation * (kernel - 1) + 1 long, less `pad_head` at its start, then cut
/// or filled with zeros to `output`. `pad_tail` is what a plain tail padding would be; where
/// output_padding or output_shape reach beyond the full result, it is negative.
[[nodiscard]] Window transposed_window(const OpContext& context,
                                       std::span<const std::int64_t> input,
                                       std::span<const std::int64_t> kernel);

}  // namespace ompq::ops
