#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/slices.h"

namespace ompq::ops {
namespace {

struct CodeRange {
  std::int64_t low;
  std::int64_t high;
};

std::optional<CodeRange> range_of(DataType type) {
  if (type == DataType::UInt8) return CodeRange{0, 255};
  if (type == DataType::Int8) return CodeRange{-128, 127};
  if (type == DataType::Int16) return CodeRange{-32768, 32767};
  // LibTorch stores uint16 in int32, which is not a code type itself.
  if (type == DataType::UInt16 || type == DataType::Int32) return CodeRange{0, 65535};
  return std::nullopt;
}

/// The codes' type: the zero point's, else the node's attribute (ONNX's number), else uint8.
std::optional<DataType> code_type(const OpContext& context, Facts inputs) {
  constexpr std::int64_t kOnnxUint8 = 2;
  constexpr std::int64_t kOnnxInt8 = 3;
  if (has(inputs, 2)) return inputs[2].type;
  const std::int64_t said = context.node.int_attribute("output_dtype", 0);
  if (said == 0 || said == kOnnxUint8) return DataType::UInt8;
  return said == kOnnxInt8 ? std::optional(DataType::Int8) : std::nullopt;
}

bool is_per_axis(const InputFacts& scale) {
  return !scale.shape.empty() && product(scale.shape) != Dim::fixed(1);
}

UnsupportedReason check_scales(const OpContext& context, Facts inputs) {
  if (context.node.int_attribute("block_size", 0) != 0) return "blocks of scales are not supported";
  const InputFacts& data = fact(inputs, 0);
  const InputFacts& scale = fact(inputs, 1);
  if (!data.known || !scale.known) return std::nullopt;
  if (!is_float(scale.type)) return fmt::format("its scale is {}", name_of(scale.type));
  if (scale.shape.size() > 1) {
    return fmt::format(
        "its scale has shape {}; only one scale, or one per slice of an axis, is supported",
        graph::to_string(scale.shape));
  }
  return std::nullopt;
}

UnsupportedReason check_quantize(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  if (has(inputs, 2) && !inputs[2].known) return check_scales(context, inputs);
  const auto type = code_type(context, inputs);
  if (!type || *type == DataType::Int32 || !range_of(*type)) {
    return "codes other than (u)int8 and (u)int16 are not supported";
  }
  return check_scales(context, inputs);
}

UnsupportedReason check_dequantize(const OpContext& context, Facts inputs) {
  const InputFacts& codes = fact(inputs, 0);
  if (codes.known && !is_integer(codes.type)) {
    return fmt::format("its codes are {}", name_of(codes.type));
  }
  return check_scales(context, inputs);
}

void require_fit(const OpContext& context, Facts inputs) {
  if (has(inputs, 2) && product(inputs[2].shape) != product(inputs[1].shape)) {
    fail(context,
         fmt::format("a zero point of shape {} does not fit a scale of shape {}",
                     graph::to_string(inputs[2].shape),
                     graph::to_string(inputs[1].shape)));
  }
  if (!is_per_axis(inputs[1])) return;
  const std::int64_t axis =
      normal_axis(context, context.node.int_attribute("axis", 1), rank_of(inputs[0]));
  const Dim extent = inputs[0].shape[static_cast<std::size_t>(axis)];
  if (!same(extent, inputs[1].shape[0])) {
    fail(context,
         fmt::format("{} scales do not fit axis {} of shape {}",
                     inputs[1].shape[0].size,
                     axis,
                     graph::to_string(inputs[0].shape)));
  }
}

OutputList infer_quantize(const OpContext& context, Facts inputs) {
  require_fit(context, inputs);
  return {output(*code_type(context, inputs), inputs[0].shape)};
}

OutputList infer_dequantize(const OpContext& context, Facts inputs) {
  require_fit(context, inputs);
  return {output(inputs[1].type, inputs[0].shape)};
}

OutputList infer_fake_quantize(const OpContext& context, Facts inputs) {
  require_fit(context, inputs);
  return same_as_first(context, inputs);
}

/// Scale or zero point shaped to broadcast along the node's axis.
at::Tensor along_axis(const OpContext& context, const at::Tensor& data, const at::Tensor& values) {
  if (values.numel() == 1) return values.reshape({});
  std::vector<std::int64_t> shape(static_cast<std::size_t>(data.dim()), 1);
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 1), data.dim());
  shape.at(static_cast<std::size_t>(axis)) = -1;
  return values.reshape(shape);
}

at::Tensor float_zero_point(const OpContext& context, Inputs inputs) {
  const at::Tensor given = input(inputs, 2);
  return given.defined() ? along_axis(context, inputs[0], given.to(at::kFloat)) : given;
}

DataType run_code_type(const OpContext& context, Inputs inputs) {
  InputFacts zero_point;
  if (input(inputs, 2).defined()) {
    zero_point.present = true;
    zero_point.type = data_type_of(inputs[2].scalar_type());
  }
  const std::vector<InputFacts> facts{{}, {}, zero_point};
  return code_type(context, facts).value_or(DataType::UInt8);
}

/// One grid, or one per slice of the node's axis.
struct Quantizer {
  std::vector<quant::Grid> grids;
  quant::Granularity granularity;
};

/// @param scale       float32, one or one per slice.
/// @param zero_point  likewise, or undefined: 0.
Quantizer quantizer_of(const OpContext& context,
                       const at::Tensor& data,
                       const at::Tensor& scale,
                       const at::Tensor& zero_point,
                       CodeRange range) {
  Quantizer quantizer;
  const auto value = [](const at::Tensor& values, std::int64_t i) {
    return values.data_ptr<float>()[values.numel() == 1 ? 0 : i];
  };
  for (std::int64_t i = 0; i < scale.numel(); ++i) {
    const float zero = zero_point.defined() ? value(zero_point, i) : 0.0F;
    quantizer.grids.push_back({value(scale, i),
                               static_cast<float>(range.low) - zero,
                               static_cast<float>(range.high) - zero});
  }
  if (scale.numel() > 1) {
    quantizer.granularity =
        quant::Granularity::along(positive_axis(context.node.int_attribute("axis", 1), data.dim()));
  }
  return quantizer;
}

using GridPass = void (*)(std::span<const float>, std::span<float>, const quant::Grid&);

/// Applies `pass` to each element with the grid of its slice.
at::Tensor by_grid(const at::Tensor& x, const Quantizer& quantizer, GridPass pass) {
  const bool whole = quantizer.grids.size() == 1;
  const at::Tensor from = whole && x.is_non_overlapping_and_dense() ? x : x.contiguous();
  at::Tensor to = at::empty_like(from);
  const auto run = [&](std::int64_t at, std::int64_t count, const quant::Grid& grid) {
    const auto size = static_cast<std::size_t>(count);
    pass({from.data_ptr<float>() + at, size}, {to.data_ptr<float>() + at, size}, grid);
  };
  if (whole) {
    at::parallel_for(0, from.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      run(begin, end - begin, quantizer.grids.front());
    });
    return to;
  }
  quant::for_each_run(quant::slices_of(from.sizes().vec(), quantizer.granularity),
                      [&](std::int64_t slice, std::int64_t at, std::int64_t count) {
                        run(at, count, quantizer.grids[static_cast<std::size_t>(slice)]);
                      });
  return to;
}

/// Scale and zero point as float32 in a row; no zero point stays none.
at::Tensor in_a_row(const at::Tensor& values) {
  return values.defined() ? values.detach().to(at::kFloat).contiguous().reshape({-1}) : values;
}

Outputs run_quantize(const OpContext& context, Inputs inputs) {
  const DataType type = run_code_type(context, inputs);
  const at::Tensor x = inputs[0].detach().to(at::kFloat);
  const Quantizer quantizer =
      quantizer_of(context, x, in_a_row(inputs[1]), in_a_row(input(inputs, 2)), *range_of(type));
  at::Tensor codes = by_grid(x, quantizer, quant::levels_of);
  const at::Tensor zero_point = float_zero_point(context, inputs);
  if (zero_point.defined()) codes = codes + zero_point;
  return {codes.to(scalar_type_of(type))};
}

Outputs run_dequantize(const OpContext& context, Inputs inputs) {
  const at::Tensor& scale = inputs[1];
  // int32 codes (biases) exceed float32's integers only beyond values that occur in practice.
  at::Tensor steps = inputs[0].to(at::kFloat);
  const at::Tensor zero_point = float_zero_point(context, inputs);
  if (zero_point.defined()) steps = steps - zero_point;
  return {(steps * along_axis(context, inputs[0], scale.to(at::kFloat))).to(scale.scalar_type())};
}

// --- FakeQuantize: QuantizeLinear -> DequantizeLinear in one pass
// -----------------------------------

/// `quantized`, with the gradients of quant::fake_quantize_slope() with respect to x and scale.
/// @param levels   levels of x; low and high are the outermost ones.
/// @param scale   broadcastable to x, as are low and high.
at::Tensor straight_through(const at::Tensor& x,
                            const at::Tensor& scale,
                            const at::Tensor& quantized,
                            const at::Tensor& levels,
                            const at::Tensor& low,
                            const at::Tensor& high) {
  const at::Tensor ratio = x.detach() / scale.detach();
  const at::Tensor passes = ratio.ge(low).logical_and(ratio.le(high));
  const at::Tensor zero = at::zeros({}, x.options());
  const at::Tensor slope = levels - at::where(passes, ratio, zero);
  // Only its gradients are used: 1 for x where it passes, the slope for the scale.
  const at::Tensor linear = at::where(passes, x, zero) + slope * scale;
  return quantized + (linear - linear.detach());
}

Outputs run_fake_quantize(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const CodeRange whole = *range_of(run_code_type(context, inputs));
  const CodeRange range{context.node.int_attribute("quant_min", whole.low),
                        context.node.int_attribute("quant_max", whole.high)};
  const Quantizer quantizer =
      quantizer_of(context, x, in_a_row(inputs[1]), in_a_row(input(inputs, 2)), range);
  const at::Tensor quantized = by_grid(x.detach(), quantizer, quant::fake_quantize);
  const bool training =
      at::GradMode::is_enabled() && (x.requires_grad() || inputs[1].requires_grad());
  if (!training) return {quantized};
  const at::Tensor scale = along_axis(context, x, inputs[1].to(at::kFloat));
  const at::Tensor given = float_zero_point(context, inputs);
  const at::Tensor zero_point = given.defined() ? given : at::zeros({}, scale.options());
  return {straight_through(x,
                           scale,
                           quantized,
                           by_grid(x.detach(), quantizer, quant::levels_of),
                           range.low - zero_point,
                           range.high - zero_point)};
}

}  // namespace

std::span<const Operator> quantize_linear_operators() {
  static constexpr Operator kRows[] = {
      {"QuantizeLinear", "", 10, 2, 1, check_quantize, infer_quantize, run_quantize},
      {"DequantizeLinear", "", 10, 2, 1, check_dequantize, infer_dequantize, run_dequantize},
      {"FakeQuantize",
       "ompq",
       1,
       2,
       1,
       check_quantize,
       infer_fake_quantize,
       in_float32<run_fake_quantize>},
  };
  return kRows;
}

}  // namespace ompq::ops
