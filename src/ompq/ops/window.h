#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/ops/operator.h"

namespace ompq::ops {

/// The window of a convolution or pooling: attributes with auto_pad and defaults resolved. One
/// entry per spatial axis.
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
/// only if it starts inside the input or its leading padding.
/// @param kernel  the weight's spatial extents, or empty for the attribute `kernel_shape`.
/// @throws ShapeError naming the node.
[[nodiscard]] Window sliding_window(const OpContext& context,
                                    std::span<const std::int64_t> input,
                                    std::span<const std::int64_t> kernel = {});

/// The window of a ConvTranspose node: the result is the full transposed convolution, stride *
/// (input - 1) + dilation * (kernel - 1) + 1 long, without `pad_head` elements at its start, then
/// cropped or padded with zeros to `output`. `pad_tail` is the corresponding padding at the end; it
/// is negative if output_padding or output_shape extend beyond the full result.
[[nodiscard]] Window transposed_window(const OpContext& context,
                                       std::span<const std::int64_t> input,
                                       std::span<const std::int64_t> kernel);

}  // namespace ompq::ops
