#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>

#include "ompq/core/error.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/level_range.h"

namespace ompq::runtime {
namespace {

constexpr std::size_t kMultiplier = 3;

/// Sums of integers up to this are exact in float32.
constexpr double kExactSum = 1 << 24;
/// Levels are divided into high x kPart + low where sums may be larger.
constexpr float kPart = 16.0F;

OMPQ_VECTOR_CLONES void find_levels(const float* from,
                                    float* to,
                                    std::int64_t count,
                                    const LevelRange& range) {
  const LevelRange own = range;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = quant::nearest_level(from[i] / own.scale, own.low, own.high);
  }
}

/// Replaces levels by high parts, which are integers, and writes the low ones, 0 .. kPart - 1.
OMPQ_VECTOR_CLONES void divide(float* levels, float* low, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float high = std::floor(levels[i] / kPart);
    low[i] = levels[i] - high * kPart;
    levels[i] = high;
  }
}

/// scale x the level of sum x multiplier.
OMPQ_INLINE float requantized(float sum, float multiplier, const LevelRange& range) {
  return quant::nearest_level(sum * multiplier, range.low, range.high) * range.scale;
}

/// Rows with a multiplier for each column.
OMPQ_VECTOR_CLONES void requantize_row(float* sums,
                                       const float* multipliers,
                                       std::int64_t count,
                                       const LevelRange& range) {
  const LevelRange own = range;
#pragma omp simd
  for (std::int64_t c = 0; c < count; ++c) sums[c] = requantized(sums[c], multipliers[c], own);
}
/// One channel.
OMPQ_VECTOR_CLONES void requantize_plane(float* sums,
                                         float multiplier,
                                         std::int64_t count,
                                         const LevelRange& range) {
  const LevelRange own = range;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) sums[i] = requantized(sums[i], multiplier, own);
}
OMPQ_VECTOR_CLONES void scale_row(float* sums, const float* multipliers, std::int64_t count) {
#pragma omp simd
  for (std::int64_t c = 0; c < count; ++c) sums[c] *= multipliers[c];
}

/// The largest sum that the inputs allow, for each channel: levels x weights, and the bias.
double largest_sum(const Tensor& weight, std::int64_t axis, const Tensor* bias, double levels) {
  const auto& shape = weight.shape();
  const std::int64_t channels = shape[static_cast<std::size_t>(axis)];
  std::int64_t inner = 1;
  for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d) inner *= shape[d];
  std::vector<double> sums(static_cast<std::size_t>(channels), 0.0);
  const auto numbers = weight.data<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto channel = static_cast<std::int64_t>(i) / inner % channels;
    sums[static_cast<std::size_t>(channel)] += std::abs(static_cast<double>(numbers[i])) * levels;
  }
  for (std::size_t c = 0; bias != nullptr && c < sums.size(); ++c) {
    sums[c] += std::abs(static_cast<double>(bias->data<float>()[c]));
  }
  return *std::max_element(sums.begin(), sums.end());
}

/// IntegerConv, IntegerGemm, IntegerMatMul: sums of products of levels by the float kernel of the
/// product, which are exact, then one rounding as integer kernels do it.
class IntegerProductKernel final : public Kernel {
 public:
  explicit IntegerProductKernel(const KernelRequest& request)
      : node_(request.node),
        input_(range_at(node_, "input")),
        output_(range_at(node_, "output")),
        rounds_(node_.int_attribute("rounds", 0) != 0),
        is_conv_(node_.is("IntegerConv")) {
    node_.inputs.resize(kMultiplier);  // the sums need no multipliers
    const std::int64_t axis = is_conv_ || node_.int_attribute("transB", 0) != 0 ? 0 : 1;
    const graph::Value* bias = request.value(kBias);
    const double largest = largest_sum(*request.value(kWeight)->constant,
                                       axis,
                                       bias == nullptr ? nullptr : &*bias->constant,
                                       input_.largest());
    divided_ = largest >= kExactSum;
    if (divided_) node_.inputs.resize(kBias);
    const KernelRequest inner{
        request.graph, node_, request.activation_type, request.activation_type};
    sums_ = is_conv_ ? make_convolution(inner) : make_gemm(inner);
    if (sums_ == nullptr && is_conv_) {
      // More than two spatial axes: LibTorch, whose sums of these integers are exact, too.
      node_.op_type = "Conv";
      node_.domain.clear();
      sums_ = make_generic(inner);
    }
    if (sums_ == nullptr) {
      throw InternalError("runtime", "no kernel for the sums of node '" + node_.name + "'");
    }
  }

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor data = dnnl_activation(inputs[kData], at::kFloat, context.pool);
    at::Tensor levels = like(data, context.pool);
    for_chunks(data.numel(), [&](std::int64_t begin, std::int64_t count) {
      find_levels(data.data_ptr<float>() + begin, levels.data_ptr<float>() + begin, count, input_);
    });
    const at::Tensor result =
        divided_ ? sums_in_parts(levels, inputs, context) : sums_of(levels, inputs, context);
    finish(result, inputs[kMultiplier]);
    return {result};
  }

  std::string description() const override {
    return "integers, " + std::string(divided_ ? "two parts, " : "") + sums_->description();
  }

 private:
  template <typename Work>
  static void for_chunks(std::int64_t total, const Work& work) {
    constexpr std::int64_t kChunk = 1 << 14;
#pragma omp parallel for schedule(static)
    for (std::int64_t begin = 0; begin < total; begin += kChunk) {
      work(begin, std::min(kChunk, total - begin));
    }
  }

  static at::Tensor like(const at::Tensor& data, BufferPool& pool) {
    return pool.empty({data.numel()}, at::kFloat).as_strided(data.sizes(), data.strides());
  }

  at::Tensor sums_of(const at::Tensor& levels,
                     std::span<const at::Tensor> inputs,
                     const KernelContext& context) {
    std::vector<at::Tensor> own{levels, inputs[kWeight]};
    if (node_.inputs.size() > kBias) own.push_back(inputs[kBias]);
    return sums_->run(own, {context.pool, {}}).front();
  }

  /// high parts x kPart + low parts + bias, rounded once to float32 as a sum of integers would be.
  at::Tensor sums_in_parts(const at::Tensor& levels,
                           std::span<const at::Tensor> inputs,
                           const KernelContext& context) {
    const at::Tensor low = like(levels, context.pool);
    for_chunks(levels.numel(), [&](std::int64_t begin, std::int64_t count) {
      divide(levels.data_ptr<float>() + begin, low.data_ptr<float>() + begin, count);
    });
    const at::Tensor high_sums = sums_of(levels, inputs, context);
    const at::Tensor low_sums = sums_of(low, inputs, context);
    at::Tensor sums = high_sums.to(at::kDouble) * static_cast<double>(kPart) + low_sums;
    if (inputs.size() > kBias && inputs[kBias].defined()) {
      std::vector<std::int64_t> shape(static_cast<std::size_t>(sums.dim()), 1);
      shape[is_conv_ ? 1 : shape.size() - 1] = inputs[kBias].numel();
      sums += inputs[kBias].to(at::kDouble).view(shape);
    }
    high_sums.copy_(sums);
    return high_sums;
  }

  /// From sums to results, in place.
  void finish(const at::Tensor& sums, const at::Tensor& multipliers) const {
    const std::int64_t axis = is_conv_ ? 1 : sums.dim() - 1;
    const std::int64_t channels = multipliers.numel();
    const auto* factors = multipliers.data_ptr<float>();
    auto* data = sums.data_ptr<float>();
    if (!rounds_ || (channels > 1 && sums.stride(axis) == 1)) {
      const std::int64_t rows = sums.numel() / channels;
      const std::int64_t block = std::max<std::int64_t>(1, (1 << 14) / channels);
#pragma omp parallel for schedule(static)
      for (std::int64_t first = 0; first < rows; first += block) {
        for (std::int64_t row = first; row < std::min(rows, first + block); ++row) {
          finish_row(data + row * channels, factors, channels);
        }
      }
      return;
    }
    const std::int64_t plane = channels == 1 ? sums.numel() : sums.stride(axis);
#pragma omp parallel for schedule(static)
    for (std::int64_t p = 0; p < sums.numel() / plane; ++p) {
      requantize_plane(data + p * plane, factors[p % channels], plane, output_);
    }
  }

  void finish_row(float* sums, const float* factors, std::int64_t channels) const {
    if (rounds_) {
      requantize_row(sums, factors, channels, output_);
    } else {
      scale_row(sums, factors, channels);
    }
  }

  graph::Node node_;
  LevelRange input_;
  LevelRange output_;
  bool rounds_;
  bool is_conv_;
  bool divided_ = false;
  std::unique_ptr<Kernel> sums_;
};

}  // namespace

std::unique_ptr<Kernel> make_integer_product(const KernelRequest& request) {
  return std::make_unique<IntegerProductKernel>(request);
}

}  // namespace ompq::runtime
