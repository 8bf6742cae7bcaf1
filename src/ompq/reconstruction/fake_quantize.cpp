#include "ompq/reconstruction/fake_quantize.h"

#include <cmath>

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ompq/core/error.h"
#include "ompq/core/tensor.h"
#include "ompq/reconstruction/block_rounding.h"

namespace ompq::reconstruction {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

Element element_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? Element::BFloat16 : Element::Float32;
}

/// Dense memory in any layout: the passes go element by element.
at::Tensor dense(const at::Tensor& tensor) {
  return tensor.is_non_overlapping_and_dense() ? tensor : tensor.contiguous();
}
at::Tensor dense_like(const at::Tensor& tensor, const at::Tensor& model) {
  if (tensor.strides() == model.strides() && tensor.scalar_type() == model.scalar_type()) {
    return tensor.clone();
  }
  return at::empty_like(model).copy_(tensor);
}

/// One step for the whole tensor: a single pass each way.
struct FakeQuantizeAll : torch::autograd::Function<FakeQuantizeAll> {
  static Variable forward(AutogradContext* context,
                          const Variable& x,
                          const Variable& step,
                          double low,
                          double high,
                          double gradient_scale,
                          std::int64_t seed,
                          std::int64_t threshold) {
    const at::Tensor from = dense(x);
    at::Tensor to = at::empty_like(from);
    quantize_steps(element_of(from),
                   from.data_ptr(),
                   to.data_ptr(),
                   from.numel(),
                   {step.item<float>(), static_cast<float>(low), static_cast<float>(high)},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(threshold)});
    context->save_for_backward({from, step});
    for (const auto& [name, value] : {std::pair("low", low), {"high", high}}) {
      context->saved_data[name] = value;
    }
    context->saved_data["scale"] = gradient_scale;
    context->saved_data["seed"] = seed;
    context->saved_data["threshold"] = threshold;
    return to;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    auto& data = context->saved_data;
    at::Tensor gradient = dense_like(gradients[0], x);
    const double sum =
        quantize_steps_backward(element_of(x),
                                x.data_ptr(),
                                gradient.data_ptr(),
                                x.numel(),
                                {saved[1].item<float>(),
                                 static_cast<float>(data["low"].toDouble()),
                                 static_cast<float>(data["high"].toDouble())},
                                {static_cast<std::uint32_t>(data["seed"].toInt()),
                                 static_cast<std::uint32_t>(data["threshold"].toInt())},
                                {});
    const at::Tensor by_step = at::full_like(saved[1], sum * data["scale"].toDouble());
    return {gradient, by_step, {}, {}, {}, {}, {}};
  }
};

/// One step a slice of an axis.
struct FakeQuantizeSlices : torch::autograd::Function<FakeQuantizeSlices> {
  static Variable forward(AutogradContext* context,
                          const Variable& x,
                          const Variable& step,
                          double low,
                          double high,
                          double gradient_scale,
                          std::int64_t axis) {
    context->save_for_backward({x, step});
    context->saved_data["low"] = low;
    context->saved_data["high"] = high;
    context->saved_data["scale"] = gradient_scale;
    context->saved_data["axis"] = axis;
    const at::Tensor steps = broadcast(step, x, axis);
    const at::Tensor levels = at::round(at::clamp(x.to(at::kFloat) / steps, low, high));
    return (levels * steps).to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const double low = data["low"].toDouble();
    const double high = data["high"].toDouble();
    const at::Tensor gradient = gradients[0].to(at::kFloat);
    const at::Tensor steps = broadcast(saved[1], saved[0], data["axis"].toInt());
    const at::Tensor ratio = saved[0].to(at::kFloat) / steps;
    const at::Tensor level = at::round(at::clamp(ratio, low, high));
    const at::Tensor inside = ratio.ge(low).logical_and(ratio.le(high));
    const at::Tensor slope = at::where(inside, level - ratio, level);
    const at::Tensor by_step =
        (gradient * slope).sum_to_size(steps.sizes()) * data["scale"].toDouble();
    const at::Tensor by_x = (gradient * inside).to(saved[0].scalar_type());
    return {by_x, by_step.reshape(saved[1].sizes()), {}, {}, {}, {}};
  }

 private:
  static at::Tensor broadcast(const at::Tensor& step, const at::Tensor& x, std::int64_t axis) {
    std::vector<std::int64_t> extents(static_cast<std::size_t>(x.dim()), 1);
    extents[static_cast<std::size_t>(axis)] = -1;
    return step.reshape(extents);
  }
};

void check(const at::Tensor& x, const at::Tensor& step, const FakeQuantizeOptions& options) {
  const std::int64_t rank = x.dim();
  const std::int64_t axis = options.axis.value_or(0);
  const bool fits = !options.axis || (axis >= -rank && axis < rank);
  const std::int64_t wanted = fits && options.axis ? x.size(axis) : 1;
  if (fits && step.numel() == wanted && step.scalar_type() == at::kFloat) return;
  throw ShapeError("fake quantization",
                   fmt::format("{} steps do not fit a tensor of {}; give one, or one for each "
                               "slice of an axis, as float32",
                               step.numel(),
                               shape_text(x.sizes().vec())));
}

}  // namespace

at::Tensor fake_quantize(const at::Tensor& x,
                         const at::Tensor& step,
                         const FakeQuantizeOptions& options) {
  check(x, step, options);
  if (!options.axis) {
    return FakeQuantizeAll::apply(x,
                                  step,
                                  static_cast<double>(options.low),
                                  static_cast<double>(options.high),
                                  options.gradient_scale,
                                  static_cast<std::int64_t>(options.drop.seed),
                                  static_cast<std::int64_t>(options.drop.threshold));
  }
  const std::int64_t axis = *options.axis < 0 ? *options.axis + x.dim() : *options.axis;
  return FakeQuantizeSlices::apply(x,
                                   step,
                                   static_cast<double>(options.low),
                                   static_cast<double>(options.high),
                                   options.gradient_scale,
                                   axis);
}

double lsq_gradient_scale(std::int64_t elements, float high) {
  return 1.0 / std::sqrt(static_cast<double>(elements) * std::max(1.0F, high));
}

}  // namespace ompq::reconstruction
