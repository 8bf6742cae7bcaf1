#include "ompq/reconstruction/block_ops.h"

#include <algorithm>
#include <limits>

#include "ompq/runtime/thread_scope.h"

namespace ompq::reconstruction {
namespace {

std::uint32_t mixed_seed(std::uint32_t seed, std::uint32_t stream) {
  return (seed ^ (stream * 0x9e3779b9U)) * 0x85ebca6bU + stream;
}

dnnl::post_ops post_ops_of(const Bounds& bounds) {
  dnnl::post_ops post_ops;
  if (!bounds.any()) return post_ops;
  if (bounds == Bounds{.low = 0.0F}) {
    runtime::dnnl_append(post_ops, dnnl::algorithm::eltwise_relu);
    return post_ops;
  }
  constexpr float kMost = std::numeric_limits<float>::max();
  runtime::dnnl_append(post_ops,
                       dnnl::algorithm::eltwise_clip,
                       std::max(bounds.low, -kMost),
                       std::min(bounds.high, kMost));
  return post_ops;
}

/// Each pass runs on one thread, and several threads run passes over different images side by side.
runtime::ConvolutionPasses one_thread_passes(const ProductSpec& spec, at::ScalarType type) {
  const runtime::ThreadScope one_thread(1);
  return {spec.shape, type, post_ops_of(spec.bounds)};
}

}  // namespace

void give_gradient(Lane& lane, Slot slot, const at::Tensor& gradient, Element type) {
  at::Tensor& own = lane.gradients[slot];
  if (!lane.written[slot]) {
    if (own.data_ptr() != gradient.data_ptr()) own.copy_(gradient);
    lane.written[slot] = true;
    return;
  }
  accumulate(type, own.data_ptr(), gradient.data_ptr(), own.numel());
}

// --- products -----------------------------------------------------------------------------------

ProductOp::ProductOp(ProductSpec spec, const OpContext& context)
    : spec_(std::move(spec)),
      context_(context),
      passes_(one_thread_passes(spec_, context.scalar)),
      forward_weights_(passes_.forward_weights(), runtime::dnnl_engine()),
      backward_weights_(passes_.backward_weights(), runtime::dnnl_engine()),
      bias_(static_cast<std::size_t>(spec_.shape.out_channels), 0.0F),
      plain_(static_cast<std::size_t>(spec_.shape.weight_count())) {
  outputs = {spec_.output};
}

void ProductOp::prepare(Lane& lane) const {
  if (spec_.learns_weight) {
    // Two buffers: the gradient of one micro-batch, and the sum over all.
    lane.weight_gradients[index].resize(2 * static_cast<std::size_t>(passes_.gradient_elements()));
    lane.bias_gradients[index].resize(bias_.size());
  }
  if (spec_.input_needs_gradient && spec_.input_has_other_readers) {
    lane.scratch[index] = at::empty_like(lane.values[spec_.input]);
  }
}

void ProductOp::forward(Lane& lane) const {
  passes_.forward(lane.values[spec_.input].data_ptr(),
                  forward_weights_,
                  bias_.data(),
                  lane.values[spec_.output].data_ptr());
}

void ProductOp::backward(Lane& lane) const {
  const at::Tensor& x = lane.values[spec_.input];
  const at::Tensor& y = lane.values[spec_.output];
  void* dy = lane.gradients[spec_.output].data_ptr();
  if (spec_.bounds.any() && spec_.mask_output) {
    mask_bounded(context_.type, y.data_ptr(), dy, y.numel(), spec_.bounds);
  }
  if (spec_.learns_weight) {
    auto& sums = lane.weight_gradients[index];
    const std::int64_t count = passes_.gradient_elements();
    float* fresh = sums.data() + count;
    passes_.backward_weights(x.data_ptr(), dy, fresh);
    accumulate(Element::Float32, sums.data(), fresh, count);
    const auto channels = static_cast<std::int64_t>(bias_.size());
    accumulate_channels(
        context_.type, dy, y.numel() / channels, channels, lane.bias_gradients[index].data());
  }
  if (!spec_.input_needs_gradient) return;
  if (!spec_.input_has_other_readers) {
    passes_.backward_data(dy, backward_weights_, lane.gradients[spec_.input].data_ptr());
    lane.written[spec_.input] = true;
    return;
  }
  passes_.backward_data(dy, backward_weights_, lane.scratch[index].data_ptr());
  give_gradient(lane, spec_.input, lane.scratch[index], context_.type);
}

void ProductOp::set_weights(std::span<const float> weights) {
  if (!spec_.transposed) return pack(weights);
  const auto out = static_cast<std::size_t>(spec_.shape.out_channels);
  const std::size_t in = weights.size() / out;
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) plain_[o * in + i] = weights[i * out + o];
  }
  pack(plain_);
}

void ProductOp::pack(std::span<const float> weights) {
  passes_.pack(weights.data(), forward_weights_);
  if (passes_.forward_weights() == passes_.backward_weights()) {
    backward_weights_ = forward_weights_;
  } else {
    passes_.pack(weights.data(), backward_weights_);
  }
}

void ProductOp::collect(std::vector<Lane>& lanes, std::span<float> sum) {
  const std::int64_t count = passes_.gradient_elements();
  std::vector<float>& total = lanes.front().weight_gradients[index];
  for (std::size_t l = 1; l < lanes.size(); ++l) {
    accumulate(Element::Float32, total.data(), lanes[l].weight_gradients[index].data(), count);
  }
  passes_.unpack_gradient(total.data(), plain_.data());
  if (!spec_.transposed) {
    accumulate(Element::Float32, sum.data(), plain_.data(), static_cast<std::int64_t>(sum.size()));
    return;
  }
  const auto out = static_cast<std::size_t>(spec_.shape.out_channels);
  const std::size_t in = sum.size() / out;
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) sum[i * out + o] += plain_[o * in + i];
  }
}

void ProductOp::collect_bias(std::vector<Lane>& lanes, std::span<float> sum) const {
  for (const Lane& lane : lanes) {
    for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += lane.bias_gradients[index][c];
  }
}

// --- activations --------------------------------------------------------------------------------

Drop QuantizeOp::drop_of(const Lane& lane) const {
  const auto per_row = lane.values[spec_.input].numel() /
                       std::max<std::int64_t>(lane.values[spec_.input].size(0), 1);
  return {mixed_seed(lane.seed, spec_.stream),
          spec_.drop_threshold,
          lane.first_row * static_cast<std::uint32_t>(per_row)};
}

void QuantizeOp::forward(Lane& lane) const {
  const at::Tensor& x = lane.values[spec_.input];
  fake_quantize(context_.type,
                x.data_ptr(),
                lane.values[spec_.output].data_ptr(),
                x.numel(),
                grid_,
                drop_of(lane));
}

void QuantizeOp::backward(Lane& lane) const {
  if (!spec_.needs_gradient) return;
  const at::Tensor& x = lane.values[spec_.input];
  lane.step_gradients[index] += fake_quantize_backward(context_.type,
                                                       x.data_ptr(),
                                                       lane.gradients[spec_.output].data_ptr(),
                                                       x.numel(),
                                                       grid_,
                                                       drop_of(lane),
                                                       spec_.bounds);
  lane.written[spec_.input] = true;  // the same memory
}

void AddOp::forward(Lane& lane) const {
  const at::Tensor& y = lane.values[spec_.output];
  add_bounded(context_.type,
              lane.values[spec_.a].data_ptr(),
              lane.values[spec_.b].data_ptr(),
              y.data_ptr(),
              y.numel(),
              spec_.bounds);
}

void AddOp::backward(Lane& lane) const {
  const at::Tensor& gradient = lane.gradients[spec_.output];
  if (spec_.bounds.any() && spec_.mask_output) {
    const at::Tensor& y = lane.values[spec_.output];
    mask_bounded(context_.type, y.data_ptr(), gradient.data_ptr(), y.numel(), spec_.bounds);
  }
  // b first: the producer of a may change the memory that a shares.
  if (spec_.b_needs_gradient) give_gradient(lane, spec_.b, gradient, context_.type);
  if (!spec_.a_needs_gradient) return;
  if (spec_.a_shares_gradient) {
    lane.written[spec_.a] = true;
  } else {
    give_gradient(lane, spec_.a, gradient, context_.type);
  }
}

void BoundsOp::forward(Lane& lane) const {
  const at::Tensor& x = lane.values[spec_.input];
  apply_bounds(
      context_.type, x.data_ptr(), lane.values[spec_.output].data_ptr(), x.numel(), spec_.bounds);
}

void BoundsOp::backward(Lane& lane) const {
  if (!spec_.needs_gradient) return;
  const at::Tensor& gradient = lane.gradients[spec_.output];
  if (spec_.mask_output) {
    const at::Tensor& y = lane.values[spec_.output];
    mask_bounded(context_.type, y.data_ptr(), gradient.data_ptr(), y.numel(), spec_.bounds);
  }
  give_gradient(lane, spec_.input, gradient, context_.type);
}

}  // namespace ompq::reconstruction
