#include <algorithm>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

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
  // LibTorch holds uint16 in int32, which is no code type itself.
  if (type == DataType::UInt16 || type == DataType::Int32) return CodeRange{0, 65535};
  return std::nullopt;
}

/// The codes' type: the zero point's, else what the node says (ONNX's number), else uint8.
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
    return fmt::format("its scale has shape {}; one, or one per slice of an axis, is supported",
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

/// Codes as whole float numbers: round half to even, then the zero point, then saturate.
at::Tensor codes_of(const at::Tensor& x,
                    const at::Tensor& scale,
                    const at::Tensor& zero_point,
                    CodeRange range) {
  at::Tensor codes = at::round(x / scale);
  if (zero_point.defined()) codes = codes + zero_point;
  return at::clamp(codes, range.low, range.high);
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

Outputs run_quantize(const OpContext& context, Inputs inputs) {
  const DataType type = run_code_type(context, inputs);
  const at::Tensor scale = along_axis(context, inputs[0], inputs[1].to(at::kFloat));
  const at::Tensor codes =
      codes_of(inputs[0].to(at::kFloat), scale, float_zero_point(context, inputs), *range_of(type));
  return {codes.to(scalar_type_of(type))};
}

Outputs run_dequantize(const OpContext& context, Inputs inputs) {
  const at::Tensor& scale = inputs[1];
  // int32 codes (biases) may exceed float32's whole numbers only where no product ever goes.
  at::Tensor steps = inputs[0].to(at::kFloat);
  const at::Tensor zero_point = float_zero_point(context, inputs);
  if (zero_point.defined()) steps = steps - zero_point;
  return {(steps * along_axis(context, inputs[0], scale.to(at::kFloat))).to(scale.scalar_type())};
}

// --- FakeQuantize: QuantizeLinear -> DequantizeLinear in one pass
// -----------------------------------

/// Adding and taking away 1.5 * 2^23 rounds |x| < 2^22 half to even, in plain vector additions.
constexpr float kRounder = 12582912.0F;

at::Tensor fake_quantize_dense(const at::Tensor& x, float scale, float low, float high) {
  at::Tensor result = at::empty_like(x);
  const float* from = x.data_ptr<float>();
  float* to = result.data_ptr<float>();
  at::parallel_for(0, x.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      // The bounds are whole, so that clamping first gives what saturating afterwards gives.
      const float steps = std::min(std::max(from[i] / scale, low), high);
      to[i] = ((steps + kRounder) - kRounder) * scale;
    }
  });
  return result;
}

/// Straight through: the value is the quantized one, the gradient that of the clamp.
at::Tensor straight_through(const at::Tensor& x,
                            const at::Tensor& quantized,
                            const at::Tensor& low,
                            const at::Tensor& high) {
  const at::Tensor clamped = at::minimum(at::maximum(x, low), high);
  return clamped + (quantized - clamped).detach();
}

Outputs run_fake_quantize(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const CodeRange whole = *range_of(run_code_type(context, inputs));
  const CodeRange range{context.node.int_attribute("quant_min", whole.low),
                        context.node.int_attribute("quant_max", whole.high)};
  const at::Tensor scale = along_axis(context, x, inputs[1].to(at::kFloat));
  const at::Tensor given = float_zero_point(context, inputs);
  const at::Tensor zero_point = given.defined() ? given : at::zeros({}, scale.options());
  const bool training = at::GradMode::is_enabled() && (x.requires_grad() || scale.requires_grad());
  const bool dense =
      x.is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense();
  if (!training && dense && scale.numel() == 1 && zero_point.numel() == 1) {
    const float zero = zero_point.item<float>();
    return {fake_quantize_dense(x,
                                scale.item<float>(),
                                static_cast<float>(range.low) - zero,
                                static_cast<float>(range.high) - zero)};
  }
  const at::Tensor quantized = (codes_of(x, scale, zero_point, range) - zero_point) * scale;
  if (!training) return {quantized};
  return {straight_through(
      x, quantized, (range.low - zero_point) * scale, (range.high - zero_point) * scale)};
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
