#include <algorithm>
#include <optional>

#include "ompq/quant/fake_quantize.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/fake_quantize.h"
#include "ompq/runtime/kernel.h"

namespace ompq::runtime {
namespace {

constexpr std::size_t kScale = 1;
constexpr std::size_t kZeroPoint = 2;

struct CodeRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// The range of a QuantizeLinear's output type.
std::optional<CodeRange> code_range(DataType type) {
  switch (type) {
    case DataType::UInt8:
      return CodeRange{0, 255};
    case DataType::Int8:
      return CodeRange{-128, 127};
    case DataType::UInt16:
      return CodeRange{0, 65535};
    case DataType::Int16:
      return CodeRange{-32768, 32767};
    default:
      return std::nullopt;
  }
}

/// QuantizeLinear -> DequantizeLinear with one scale in a single pass, in place if the input has no
/// other reader.
class FakeQuantizeKernel final : public Kernel {
 public:
  explicit FakeQuantizeKernel(CodeRange range) : range_(range) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor data = as_floats(inputs[kData], context.pool);
    const bool in_place = context.may_overwrite(kData) || !data.is_alias_of(inputs[kData]);
    const at::Tensor result = in_place ? data : like(data, context.pool);
    fake_quantize(data, result, grid(inputs));
    return {result};
  }

  std::string description() const override { return "vectorized"; }

 private:
  /// Works on any dense layout, element by element.
  static at::Tensor as_floats(const at::Tensor& tensor, BufferPool& pool) {
    const bool as_is = tensor.scalar_type() == at::kFloat && tensor.is_non_overlapping_and_dense();
    return as_is ? tensor : dnnl_activation(tensor, at::kFloat, pool);
  }

  static at::Tensor like(const at::Tensor& data, BufferPool& pool) {
    return pool.empty({data.numel()}, at::kFloat).as_strided(data.sizes(), data.strides());
  }

  quant::Grid grid(std::span<const at::Tensor> inputs) const {
    const bool shifted = inputs.size() > kZeroPoint && inputs[kZeroPoint].defined();
    const std::int64_t zero_point = shifted ? inputs[kZeroPoint].item<std::int64_t>() : 0;
    return {inputs[kScale].item<float>(),
            static_cast<float>(range_.low - zero_point),
            static_cast<float>(range_.high - zero_point)};
  }

  CodeRange range_;
};

bool is_scalar(const graph::Value& value) {
  const auto extents = graph::fixed_extents(value.shape.value_or(graph::Shape{graph::Dim{0}}));
  return extents && element_count(*extents) == 1;
}

}  // namespace

void fake_quantize(const at::Tensor& from, const at::Tensor& to, const quant::Grid& grid) {
  constexpr std::int64_t kChunk = 1 << 14;
  const std::int64_t count = from.numel();
  const float* source = from.data_ptr<float>();
  float* target = to.data_ptr<float>();
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < count; begin += kChunk) {
    const auto size = static_cast<std::size_t>(std::min(kChunk, count - begin));
    quant::fake_quantize({source + begin, size}, {target + begin, size}, grid);
  }
}

std::unique_ptr<Kernel> make_fake_quantize(const KernelRequest& request) {
  if (request.value(kData)->type != DataType::Float32) return nullptr;
  if (!request.is_float_constant(kScale) || !is_scalar(*request.value(kScale))) return nullptr;
  const graph::Value* zero_point = request.value(kZeroPoint);
  if (zero_point != nullptr && !(request.is_constant(kZeroPoint) && is_scalar(*zero_point))) {
    return nullptr;
  }
  const auto whole = code_range(zero_point != nullptr ? zero_point->type : DataType::UInt8);
  if (!whole) return nullptr;
  const graph::Node& node = request.node;
  return std::make_unique<FakeQuantizeKernel>(CodeRange{
      node.int_attribute("quant_min", whole->low), node.int_attribute("quant_max", whole->high)});
}

}  // namespace ompq::runtime
