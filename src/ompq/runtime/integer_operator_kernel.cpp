#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ompq/quant/simd.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/level_range.h"

namespace ompq::runtime {
namespace {

/// Two quantized operands and the quantized result.
struct Operands {
  LevelRange a;
  LevelRange b;
  LevelRange result;
};

OMPQ_FMA_CLONES void add_codes(
    const float* a, const float* b, float* to, std::int64_t count, const Operands& operands) {
  const Operands own = operands;
  const float ratio_a = own.a.scale / own.result.scale;
  const float ratio_b = own.b.scale / own.result.scale;
  const float fixed = -own.result.low - std::fma(ratio_a, -own.a.low, ratio_b * -own.b.low);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float inner = std::fma(code_of(b[i], own.b), ratio_b, fixed);
    to[i] = number_of(std::fma(code_of(a[i], own.a), ratio_a, inner), own.result);
  }
}

OMPQ_FMA_CLONES void multiply_levels(
    const float* a, const float* b, float* to, std::int64_t count, const Operands& operands) {
  const Operands own = operands;
  const float ratio = (own.a.scale * own.b.scale) / own.result.scale;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float product = (code_of(a[i], own.a) + own.a.low) * (code_of(b[i], own.b) + own.b.low);
    to[i] = number_of(std::fma(product, ratio, -own.result.low), own.result);
  }
}

/// True if `a` is repeated along the innermost axis in which the operands differ: ONNX Runtime then
/// treats it as the second operand.
bool is_repeated(const at::Tensor& a, const at::Tensor& b) {
  const std::int64_t axes = std::max(a.dim(), b.dim());
  for (std::int64_t back = 1; back <= axes; ++back) {
    const std::int64_t own = back <= a.dim() ? a.size(-back) : 1;
    const std::int64_t other = back <= b.dim() ? b.size(-back) : 1;
    if (own > 1) return false;
    if (other > 1) return true;
  }
  return false;
}

/// IntegerAdd and IntegerMul, with broadcasting.
class IntegerOperatorKernel final : public Kernel {
 public:
  explicit IntegerOperatorKernel(const graph::Node& node)
      : operands_{range_at(node, "a"), range_at(node, "b"), range_at(node, "output")},
        combine_(node.is("IntegerAdd") ? add_codes : multiply_levels) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const bool swapped = is_repeated(inputs[0], inputs[1]);
    std::vector<at::Tensor> both = at::broadcast_tensors({inputs[swapped], inputs[!swapped]});
    const Operands operands =
        swapped ? Operands{operands_.b, operands_.a, operands_.result} : operands_;
    const at::Tensor a = dense(both[0]);
    const at::Tensor b = alike(both[1], a);
    const at::Tensor result =
        context.pool.empty({a.numel()}, at::kFloat).as_strided(a.sizes(), a.strides());
    constexpr std::int64_t kChunk = 1 << 14;
    const std::int64_t total = a.numel();
    const auto* from_a = a.data_ptr<float>();
    const auto* from_b = b.data_ptr<float>();
    auto* to = result.data_ptr<float>();
#pragma omp parallel for schedule(static)
    for (std::int64_t begin = 0; begin < total; begin += kChunk) {
      combine_(
          from_a + begin, from_b + begin, to + begin, std::min(kChunk, total - begin), operands);
    }
    return {result};
  }

  std::string description() const override { return "codes"; }

 private:
  static at::Tensor dense(const at::Tensor& tensor) {
    const at::Tensor floats = tensor.to(at::kFloat);
    if (floats.is_non_overlapping_and_dense()) return floats;
    return floats.contiguous(floats.dim() == 4 ? at::MemoryFormat::ChannelsLast
                                               : at::MemoryFormat::Contiguous);
  }
  /// With the strides of `model`.
  static at::Tensor alike(const at::Tensor& tensor, const at::Tensor& model) {
    if (tensor.strides() == model.strides()) return tensor.to(at::kFloat);
    return at::empty_strided(model.sizes(), model.strides(), at::kFloat).copy_(tensor);
  }

  Operands operands_;
  void (*combine_)(const float*, const float*, float*, std::int64_t, const Operands&);
};

/// GlobalAveragePool of codes: an exact sum, then one product and one rounding.
class IntegerPoolKernel final : public Kernel {
 public:
  explicit IntegerPoolKernel(const graph::Node& node)
      : input_(range_at(node, "input")), output_(range_at(node, "output")) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const KernelContext&) override {
    const at::Tensor& x = inputs[kData];
    std::vector<std::int64_t> axes;
    std::int64_t positions = 1;
    for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
      axes.push_back(axis);
      positions *= x.size(axis);
    }
    const at::Tensor levels = (x.to(at::kDouble) / static_cast<double>(input_.scale)).round_();
    const at::Tensor sums = levels.sum(axes, /*keepdim=*/true).to(at::kFloat);
    const float factor = input_.scale / (output_.scale * static_cast<float>(positions));
    return {(sums * factor).round_().clamp_(output_.low, output_.high) * output_.scale};
  }

  std::string description() const override { return "codes"; }

 private:
  LevelRange input_;
  LevelRange output_;
};

}  // namespace

std::unique_ptr<Kernel> make_integer_operator(const KernelRequest& request) {
  return std::make_unique<IntegerOperatorKernel>(request.node);
}

std::unique_ptr<Kernel> make_integer_pool(const KernelRequest& request) {
  return std::make_unique<IntegerPoolKernel>(request.node);
}

}  // namespace ompq::runtime
