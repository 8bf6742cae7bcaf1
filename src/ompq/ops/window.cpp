#include "ompq/ops/window.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/ops/facts.h"

namespace ompq::ops {
namespace {

// Larger than strides, pads and kernels of real networks; prevents overflow of products.
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 30;

std::vector<std::int64_t> per_axis(const OpContext& context,
                                   std::string_view name,
                                   std::size_t axes,
                                   std::int64_t fallback,
                                   std::int64_t min) {
  auto values = context.node.ints_attribute(name, std::vector<std::int64_t>(axes, fallback));
  if (values.size() != axes) {
    fail(context, fmt::format("'{}' has {} entries for {} axes", name, values.size(), axes));
  }
  for (const std::int64_t value : values) {
    if (value < min || value > kMaxExtent) {
      fail(context,
           fmt::format("'{}' is [{}]; entries must be {} to {}",
                       name,
                       fmt::join(values, ", "),
                       min,
                       kMaxExtent));
    }
  }
  return values;
}

/// The window without pads and output.
Window read_window(const OpContext& context,
                   std::size_t axes,
                   std::span<const std::int64_t> kernel) {
  Window window;
  if (kernel.empty()) {
    window.kernel = context.node.ints_attribute("kernel_shape", {});
  } else {
    window.kernel.assign(kernel.begin(), kernel.end());
    const auto written = context.node.ints_attribute("kernel_shape", window.kernel);
    if (written != window.kernel) {
      fail(context,
           fmt::format("kernel_shape is [{}], the weight's is [{}]",
                       fmt::join(written, ", "),
                       fmt::join(window.kernel, ", ")));
    }
  }
  if (window.kernel.size() != axes ||
      std::any_of(window.kernel.begin(), window.kernel.end(), [](std::int64_t extent) {
        return extent < 1 || extent > kMaxExtent;
      })) {
    fail(context,
         fmt::format("a kernel of shape [{}] does not fit {} spatial axes",
                     fmt::join(window.kernel, ", "),
                     axes));
  }
  window.stride = per_axis(context, "strides", axes, 1, 1);
  window.dilation = per_axis(context, "dilations", axes, 1, 1);
  return window;
}

std::int64_t reach(const Window& window, std::size_t axis) {
  return window.dilation[axis] * (window.kernel[axis] - 1) + 1;
}

void read_pads(const OpContext& context, Window& window) {
  const auto pads = per_axis(context, "pads", 2 * window.axes(), 0, 0);
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(window.axes());
  window.pad_head.assign(pads.begin(), middle);
  window.pad_tail.assign(middle, pads.end());
}

/// SAME_UPPER puts an odd element at the end, SAME_LOWER (and ConvTranspose with output_shape) at
/// the start.
void split_pads(std::int64_t total, bool upper, std::int64_t& head, std::int64_t& tail) {
  const std::int64_t smaller = total / 2;
  head = upper ? smaller : total - smaller;
  tail = total - head;
}

enum class AutoPad { None, Upper, Lower, Valid };

AutoPad read_auto_pad(const OpContext& context) {
  const std::string text = context.node.string_attribute("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) return AutoPad::None;
  if (text == "SAME_UPPER") return AutoPad::Upper;
  if (text == "SAME_LOWER") return AutoPad::Lower;
  if (text == "VALID") return AutoPad::Valid;
  fail(context, fmt::format("auto_pad '{}' is unknown", text));
}

std::int64_t positions(const Window& window, std::size_t axis, std::int64_t input, bool ceil) {
  const std::int64_t stride = window.stride[axis];
  const std::int64_t room =
      input + window.pad_head[axis] + window.pad_tail[axis] - reach(window, axis);
  if (room < 0) return 0;
  std::int64_t count = room / stride + 1;
  if (ceil && room % stride != 0 && count * stride < input + window.pad_head[axis]) ++count;
  return count;
}

}  // namespace

Window sliding_window(const OpContext& context,
                      std::span<const std::int64_t> input,
                      std::span<const std::int64_t> kernel) {
  const std::size_t axes = input.size();
  Window window = read_window(context, axes, kernel);
  const AutoPad mode = read_auto_pad(context);
  const bool ceil = context.node.int_attribute("ceil_mode", 0) != 0;
  window.pad_head.assign(axes, 0);
  window.pad_tail.assign(axes, 0);
  if (mode == AutoPad::None) read_pads(context, window);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (mode == AutoPad::Upper || mode == AutoPad::Lower) {
      const std::int64_t stride = window.stride[axis];
      const std::int64_t count = (input[axis] + stride - 1) / stride;
      const std::int64_t total =
          std::max<std::int64_t>(0, (count - 1) * stride + reach(window, axis) - input[axis]);
      split_pads(total, mode == AutoPad::Upper, window.pad_head[axis], window.pad_tail[axis]);
    }
    window.output.push_back(positions(window, axis, input[axis], ceil));
    if (window.output.back() < 1) {
      fail(context,
           fmt::format("a window of {} does not fit an extent of {} padded by {} + {}",
                       reach(window, axis),
                       input[axis],
                       window.pad_head[axis],
                       window.pad_tail[axis]));
    }
  }
  return window;
}

Window transposed_window(const OpContext& context,
                         std::span<const std::int64_t> input,
                         std::span<const std::int64_t> kernel) {
  const std::size_t axes = input.size();
  Window window = read_window(context, axes, kernel);
  const AutoPad mode = read_auto_pad(context);
  const auto extra = per_axis(context, "output_padding", axes, 0, 0);
  const bool same_extent = mode == AutoPad::Upper || mode == AutoPad::Lower;
  window.pad_head.assign(axes, 0);
  window.pad_tail.assign(axes, 0);
  std::vector<std::int64_t> asked;
  if (context.node.has_attribute("output_shape")) {
    asked = context.node.ints_attribute("output_shape", {});
    // Some exporters also write batch and channels.
    if (asked.size() == axes + 2) asked.erase(asked.begin(), asked.begin() + 2);
    if (asked.size() != axes) {
      fail(context,
           fmt::format(
               "output_shape [{}] does not fit {} spatial axes", fmt::join(asked, ", "), axes));
    }
  } else if (mode == AutoPad::None) {
    read_pads(context, window);
  }
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const std::int64_t full = window.stride[axis] * (input[axis] - 1) + reach(window, axis);
    if (!asked.empty() || same_extent) {
      const std::int64_t wanted = asked.empty() ? input[axis] * window.stride[axis] : asked[axis];
      const std::int64_t total = std::max<std::int64_t>(0, full + extra[axis] - wanted);
      split_pads(total, mode == AutoPad::Upper, window.pad_head[axis], window.pad_tail[axis]);
      window.output.push_back(wanted);
    } else {
      window.output.push_back(full + extra[axis] - window.pad_head[axis] - window.pad_tail[axis]);
    }
    window.pad_tail[axis] = full - window.pad_head[axis] - window.output[axis];
    if (window.output[axis] < 1 || window.output[axis] > kMaxExtent) {
      fail(context, fmt::format("its output extent would be {}", window.output[axis]));
    }
  }
  return window;
}

}  // namespace ompq::ops
