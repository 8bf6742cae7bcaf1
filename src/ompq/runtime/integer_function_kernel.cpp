#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "ompq/quant/rounding.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/level_range.h"

namespace ompq::runtime {
namespace {

constexpr std::size_t kCodes = 256;

/// The rational approximation that ONNX Runtime computes on processors with fused multiply-add.
float logistic(float x) {
  constexpr float kRange = 18.0F;
  constexpr std::array<float, 5> kAbove{4.37031012579801e-11F,
                                        1.15627324459942e-07F,
                                        6.08574864600143e-05F,
                                        8.51377133304701e-03F,
                                        2.48287947061529e-01F};
  constexpr std::array<float, 6> kBelow{6.10247389755681e-13F,
                                        5.76102136993427e-09F,
                                        6.29106785017040e-06F,
                                        1.70198817374094e-03F,
                                        1.16817656904453e-01F,
                                        9.93151921023180e-01F};
  const float inside = std::clamp(x, -kRange, kRange);
  const float square = inside * inside;
  const auto polynomial = [&](const auto& factors) {
    float value = factors.front();
    for (std::size_t i = 1; i < factors.size(); ++i) value = std::fma(value, square, factors[i]);
    return value;
  };
  return polynomial(kAbove) * inside / polynomial(kBelow) + 0.5F;
}

std::size_t code_at(float x, const LevelRange& range) {
  return static_cast<std::size_t>(code_of(x, range));
}

/// A table by code.
class IntegerSigmoidKernel final : public Kernel {
 public:
  explicit IntegerSigmoidKernel(const graph::Node& node) : input_(range_at(node, "input")) {
    const LevelRange output = range_at(node, "output");
    for (std::size_t code = 0; code < kCodes; ++code) {
      const float x = input_.scale * (static_cast<float>(code) + input_.low);
      const float level = quant::nearest_level(logistic(x) / output.scale, output.low, output.high);
      table_[code] = level * output.scale;
    }
  }

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const KernelContext&) override {
    at::Tensor result = inputs[kData].to(at::kFloat).contiguous().clone();
    auto* data = result.data_ptr<float>();
    for (std::int64_t i = 0; i < result.numel(); ++i) data[i] = table_[code_at(data[i], input_)];
    return {result};
  }

  std::string description() const override { return "table"; }

 private:
  LevelRange input_;
  std::array<float, kCodes> table_{};
};

/// Exponentials of differences of codes from a float32 table, summed in order.
class IntegerSoftmaxKernel final : public Kernel {
 public:
  explicit IntegerSoftmaxKernel(const graph::Node& node)
      : input_(range_at(node, "input")),
        output_(range_at(node, "output")),
        axis_(node.int_attribute("axis", -1)) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const KernelContext&) override {
    at::Tensor rows = inputs[kData].to(at::kFloat).transpose(axis_, -1).contiguous().clone();
    const std::int64_t length = rows.size(-1);
    prepare(length);
    auto* data = rows.data_ptr<float>();
    for (std::int64_t at = 0; at < rows.numel(); at += length) finish_row(data + at, length);
    return {rows.transpose(axis_, -1)};
  }

  std::string description() const override { return "table"; }

 private:
  /// The table depends on the number of terms, whose sum must be finite.
  void prepare(std::int64_t length) {
    if (length == length_) return;
    length_ = length;
    constexpr double kReserve = 5.0;
    const float largest = std::numeric_limits<float>::max() / static_cast<float>(length);
    const double shift =
        std::max(0.0, std::log(static_cast<double>(largest)) - kReserve) / input_.scale;
    for (std::size_t i = 0; i < kCodes; ++i) {
      const double below = static_cast<double>(i) - 255.0;
      table_[i] = static_cast<float>(std::exp((below + shift) * input_.scale));
    }
  }

  void finish_row(float* row, std::int64_t length) const {
    std::size_t most = 0;
    for (std::int64_t i = 0; i < length; ++i) most = std::max(most, code_at(row[i], input_));
    float sum = 0.0F;
    for (std::int64_t i = 0; i < length; ++i) {
      row[i] = table_[code_at(row[i], input_) + kCodes - 1 - most];
      sum += row[i];
    }
    const float steps = std::floor(1.0F / output_.scale);
    for (std::int64_t i = 0; i < length; ++i) {
      const float code = std::nearbyint(row[i] * steps / sum) - output_.low;
      row[i] = number_of(code, output_);
    }
  }

  LevelRange input_;
  LevelRange output_;
  std::int64_t axis_;
  std::int64_t length_ = -1;
  std::array<float, kCodes> table_{};
};

/// One spatial axis of a pool.
struct PooledAxis {
  std::int64_t input = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t before = 0;
  std::int64_t output = 1;

  /// The window at `place`, without padding.
  [[nodiscard]] std::int64_t begin(std::int64_t place) const {
    return std::max<std::int64_t>(place * stride - before, 0);
  }
  [[nodiscard]] std::int64_t end(std::int64_t place) const {
    return std::min(place * stride - before + kernel, input);
  }
};

/// Means of float32 numbers, summed in the order of the window.
class IntegerAveragePoolKernel final : public Kernel {
 public:
  explicit IntegerAveragePoolKernel(const KernelRequest& request)
      : output_(range_at(request.node, "output")),
        counts_padding_(request.node.int_attribute("count_include_pad", 0) != 0),
        kernel_(request.node.ints_attribute("kernel_shape", {})) {
    graph::Node plain = request.node;
    plain.op_type = "AveragePool";
    plain.domain.clear();
    node_ = plain;
    shape_ = make_generic({request.graph, node_, at::kFloat, at::kFloat});
  }

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    const at::Tensor x = inputs[kData].to(at::kFloat).contiguous();
    at::Tensor result = shape_->run(inputs, context).front().to(at::kFloat).contiguous().clone();
    const std::array<PooledAxis, 3> axes = axes_of(x, result);
    const std::int64_t planes = x.size(0) * x.size(1);
    const std::int64_t plane = x.numel() / planes;
    const std::int64_t pooled = result.numel() / planes;
    const auto* from = x.data_ptr<float>();
    auto* to = result.data_ptr<float>();
#pragma omp parallel for schedule(static)
    for (std::int64_t p = 0; p < planes; ++p) pool(from + p * plane, to + p * pooled, axes);
    return {result};
  }

  std::string description() const override { return "codes"; }

 private:
  /// The last spatial axes; those that are missing have one place.
  [[nodiscard]] std::array<PooledAxis, 3> axes_of(const at::Tensor& x,
                                                  const at::Tensor& result) const {
    const auto count = static_cast<std::int64_t>(kernel_.size());
    const std::vector<std::int64_t> ones(kernel_.size(), 1);
    const auto strides = node_.ints_attribute("strides", ones);
    const auto pads = node_.ints_attribute("pads", std::vector<std::int64_t>(2 * kernel_.size()));
    const std::string auto_pad = node_.string_attribute("auto_pad", "NOTSET");
    std::array<PooledAxis, 3> axes;
    for (std::int64_t d = 0; d < count; ++d) {
      const auto at = static_cast<std::size_t>(d);
      PooledAxis& axis = axes[axes.size() - kernel_.size() + at];
      axis = {x.size(2 + d), kernel_[at], strides[at], pads[at], result.size(2 + d)};
      if (!auto_pad.starts_with("SAME")) continue;
      const std::int64_t all =
          std::max<std::int64_t>(0, (axis.output - 1) * axis.stride + axis.kernel - axis.input);
      axis.before = auto_pad == "SAME_UPPER" ? all / 2 : all - all / 2;
    }
    return axes;
  }

  void pool(const float* from, float* to, const std::array<PooledAxis, 3>& axes) const {
    const auto& [deep, high, wide] = axes;
    for (std::int64_t d = 0; d < deep.output; ++d) {
      for (std::int64_t h = 0; h < high.output; ++h) {
        for (std::int64_t w = 0; w < wide.output; ++w) *to++ = mean(from, axes, {d, h, w});
      }
    }
  }

  [[nodiscard]] float mean(const float* from,
                           const std::array<PooledAxis, 3>& axes,
                           const std::array<std::int64_t, 3>& place) const {
    const auto& [deep, high, wide] = axes;
    float sum = 0.0F;
    for (std::int64_t d = deep.begin(place[0]); d < deep.end(place[0]); ++d) {
      for (std::int64_t h = high.begin(place[1]); h < high.end(place[1]); ++h) {
        const float* row = from + (d * high.input + h) * wide.input;
        for (std::int64_t w = wide.begin(place[2]); w < wide.end(place[2]); ++w) sum += row[w];
      }
    }
    std::int64_t count = 1;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      count *= counts_padding_ ? axes[i].kernel : axes[i].end(place[i]) - axes[i].begin(place[i]);
    }
    const float code = sum / static_cast<float>(count) / output_.scale - output_.low;
    return number_of(code, output_);
  }

  LevelRange output_;
  bool counts_padding_;
  std::vector<std::int64_t> kernel_;
  graph::Node node_;
  std::unique_ptr<Kernel> shape_;  ///< LibTorch's pool, for the shape of the result
};

}  // namespace

std::unique_ptr<Kernel> make_integer_sigmoid(const KernelRequest& request) {
  return std::make_unique<IntegerSigmoidKernel>(request.node);
}

std::unique_ptr<Kernel> make_integer_softmax(const KernelRequest& request) {
  return std::make_unique<IntegerSoftmaxKernel>(request.node);
}

std::unique_ptr<Kernel> make_integer_average_pool(const KernelRequest& request) {
  return std::make_unique<IntegerAveragePoolKernel>(request);
}

}  // namespace ompq::runtime
