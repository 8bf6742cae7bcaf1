#include "ompq/ops/families/conv.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"
#include "ompq/ops/window.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

/// The extents after batch and channels. @throws ShapeError if one depends on the batch.
Extents spatial_extents(const OpContext& context, const InputFacts& input) {
  const Shape spatial(input.shape.begin() + 2, input.shape.end());
  const auto extents = graph::fixed_extents(spatial);
  if (!extents) {
    fail(context,
         fmt::format("spatial extents of {} depend on the batch", graph::to_string(input.shape)));
  }
  return *extents;
}

/// Channels of data, weight and bias must agree. `group_axis` is the weight's axis that `group`
/// splits: 0 for Conv (outputs), 1 times groups for ConvTranspose.
void require_channels(const OpContext& context, Facts inputs, bool transposed) {
  const Shape& data = inputs[0].shape;
  const Shape& weight = inputs[1].shape;
  const std::int64_t groups = context.node.int_attribute("group", 1);
  if (weight.size() != data.size() || !graph::fixed_extents(weight)) {
    fail(context,
         fmt::format("a weight of shape {} does not fit an input of shape {}",
                     graph::to_string(weight),
                     graph::to_string(data)));
  }
  if (groups < 1 || groups > weight[0].size || weight[0].size % groups != 0) {
    fail(context,
         fmt::format("{} channels cannot be split into {} groups", weight[0].size, groups));
  }
  const std::int64_t expected = transposed ? weight[0].size : weight[1].size * groups;
  if (data[1] != Dim::fixed(expected)) {
    fail(context,
         fmt::format(
             "a weight of shape {} with {} groups needs {} channels, but the input has shape {}",
             graph::to_string(weight),
             groups,
             expected,
             graph::to_string(data)));
  }
  const std::int64_t made = transposed ? weight[1].size * groups : weight[0].size;
  if (has(inputs, 2) && inputs[2].shape != Shape{Dim::fixed(made)}) {
    fail(context,
         fmt::format("a bias of shape {} does not fit {} output channels",
                     graph::to_string(inputs[2].shape),
                     made));
  }
}

OutputList spatial_output(Facts inputs, std::int64_t channels, const Extents& spatial) {
  Shape shape{inputs[0].shape[0], Dim::fixed(channels)};
  for (const std::int64_t extent : spatial) shape.push_back(Dim::fixed(extent));
  return {output(inputs[0].type, std::move(shape))};
}

/// LibTorch pads both sides equally; the difference is padded separately.
at::Tensor pad_asymmetric(const at::Tensor& data, Window& window) {
  Extents amounts;  // last axis first, head before tail
  for (std::size_t axis = window.axes(); axis-- > 0;) {
    const std::int64_t common = std::min(window.pad_head[axis], window.pad_tail[axis]);
    amounts.push_back(window.pad_head[axis] - common);
    amounts.push_back(window.pad_tail[axis] - common);
    window.pad_head[axis] = common;
    window.pad_tail[axis] = common;
  }
  return at::constant_pad_nd(data, amounts);
}

c10::optional<at::Tensor> matching(const at::Tensor& data, c10::optional<at::Tensor> parameter) {
  if (parameter) parameter = parameter->to(data.scalar_type());
  return parameter;
}

/// Crops or pads the full transposed convolution to the window's output.
at::Tensor crop_full(at::Tensor full, const Window& window) {
  Extents amounts;
  for (std::size_t axis = window.axes(); axis-- > 0;) {
    amounts.push_back(-window.pad_head[axis]);
    amounts.push_back(-window.pad_tail[axis]);
  }
  return at::constant_pad_nd(full, amounts);
}

}  // namespace

UnsupportedReason check_conv(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_images(context, inputs)) return complaint;
  return std::nullopt;
}

OutputList infer_conv(const OpContext& context, Facts inputs) {
  require_channels(context, inputs, /*transposed=*/false);
  const Extents kernel = spatial_extents(context, inputs[1]);
  const Window window = sliding_window(context, spatial_extents(context, inputs[0]), kernel);
  return spatial_output(inputs, inputs[1].shape[0].size, window.output);
}

Outputs run_conv(const OpContext& context, Inputs inputs) {
  at::Tensor data = inputs[0];
  const at::Tensor weight = inputs[1].to(data.scalar_type());
  Window window = sliding_window(context, data.sizes().slice(2), weight.sizes().slice(2));
  if (!window.symmetric()) data = pad_asymmetric(data, window);
  return {at::convolution(data,
                          weight,
                          matching(data, optional_input(inputs, 2)),
                          window.stride,
                          window.pad_head,
                          window.dilation,
                          /*transposed=*/false,
                          Extents(window.axes(), 0),
                          context.node.int_attribute("group", 1))};
}

OutputList infer_conv_transpose(const OpContext& context, Facts inputs) {
  require_channels(context, inputs, /*transposed=*/true);
  const Extents kernel = spatial_extents(context, inputs[1]);
  const Window window = transposed_window(context, spatial_extents(context, inputs[0]), kernel);
  const std::int64_t groups = context.node.int_attribute("group", 1);
  return spatial_output(inputs, inputs[1].shape[1].size * groups, window.output);
}

Outputs run_conv_transpose(const OpContext& context, Inputs inputs) {
  const at::Tensor& data = inputs[0];
  const at::Tensor weight = inputs[1].to(data.scalar_type());
  const auto bias = matching(data, optional_input(inputs, 2));
  const Window window = transposed_window(context, data.sizes().slice(2), weight.sizes().slice(2));
  Extents extra(window.axes(), 0);
  bool direct = true;
  for (std::size_t axis = 0; axis < extra.size(); ++axis) {
    extra[axis] = window.pad_head[axis] - window.pad_tail[axis];
    direct = direct && extra[axis] >= 0 &&
             extra[axis] < std::max(window.stride[axis], window.dilation[axis]);
  }
  const std::int64_t groups = context.node.int_attribute("group", 1);
  if (direct) {
    return {at::convolution(
        data, weight, bias, window.stride, window.pad_head, window.dilation, true, extra, groups)};
  }
  const Extents none(window.axes(), 0);
  const at::Tensor full = at::convolution(
      data, weight, c10::nullopt, window.stride, none, window.dilation, true, none, groups);
  const at::Tensor cropped = crop_full(full, window);
  if (!bias) return {cropped};
  Extents per_channel(static_cast<std::size_t>(data.dim()), 1);
  per_channel[1] = -1;
  return {cropped + bias->view(per_channel)};
}

// --- Col2Im: adds blocks up where they overlap, as torch.nn.Fold does --------------------------

namespace {

/// Two extents each; pads are those before and after.
struct Blocks {
  Extents image;
  Extents block;
  Extents dilations;
  Extents strides;
  Extents pads;
};

Blocks blocks_of(const OpContext& context, Extents image, Extents block) {
  return {.image = std::move(image),
          .block = std::move(block),
          .dilations = context.node.ints_attribute("dilations", {1, 1}),
          .strides = context.node.ints_attribute("strides", {1, 1}),
          .pads = context.node.ints_attribute("pads", {0, 0, 0, 0})};
}

UnsupportedReason check_col2im(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  if (auto complaint = needs_known(inputs, 1, "image_shape")) return complaint;
  if (auto complaint = needs_known(inputs, 2, "block_shape")) return complaint;
  const auto image = known_integers(inputs[1]);
  if (image && image->size() != 2) {
    return fmt::format("its output images have {} axes, not 2", image->size());
  }
  return std::nullopt;
}

OutputList infer_col2im(const OpContext& context, Facts inputs) {
  const auto image = known_integers(inputs[1]);
  const auto block = known_integers(inputs[2]);
  if (!image || !block) fail(context, "its image or block depends on the batch");
  const Shape& x = inputs[0].shape;
  const Blocks blocks = blocks_of(context, *image, *block);
  std::int64_t count = 1;
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t reach = blocks.dilations.at(i) * (block->at(i) - 1) + 1;
    const std::int64_t padded = image->at(i) + blocks.pads.at(i) + blocks.pads.at(i + 2);
    count *= padded < reach ? 0 : (padded - reach) / blocks.strides.at(i) + 1;
    elements *= block->at(i);
  }
  const bool fits = x.size() == 3 && x[2] == Dim::fixed(count) && x[1].is_fixed() && elements > 0 &&
                    x[1].size % elements == 0;
  if (!fits) {
    fail(context,
         fmt::format("an input of shape {} does not consist of {} blocks of {} elements",
                     graph::to_string(x),
                     count,
                     elements));
  }
  return {output(inputs[0].type,
                 {x[0],
                  Dim::fixed(x[1].size / elements),
                  Dim::fixed(image->at(0)),
                  Dim::fixed(image->at(1))})};
}

Outputs run_col2im(const OpContext& context, Inputs inputs) {
  const Blocks blocks = blocks_of(context, integers(inputs[1]), integers(inputs[2]));
  Extents padded = blocks.image;  // LibTorch's own pads are the same on both sides
  for (std::size_t i = 0; i < 2; ++i) padded[i] += blocks.pads.at(i) + blocks.pads.at(i + 2);
  const at::Tensor sums =
      at::col2im(inputs[0], padded, blocks.block, blocks.dilations, Extents{0, 0}, blocks.strides);
  return {sums.narrow(2, blocks.pads[0], blocks.image[0])
              .narrow(3, blocks.pads[1], blocks.image[1])
              .contiguous()};
}

}  // namespace

std::span<const Operator> conv_operators() {
  static constexpr Operator kRows[] = {
      {"Conv", "", 7, 2, 1, check_conv, infer_conv, in_bfloat16<run_conv>},
      {"ConvTranspose",
       "",
       7,
       2,
       1,
       check_conv,
       infer_conv_transpose,
       in_float32<run_conv_transpose>},
      {"Col2Im", "", 18, 3, 1, check_col2im, infer_col2im, in_float32<run_col2im>},
  };
  return kRows;
}

}  // namespace ompq::ops
