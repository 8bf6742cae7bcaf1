#include <algorithm>

#include "ompq/runtime/kernel.h"
#include "ompq/runtime/level_range.h"

namespace ompq::runtime {
namespace {

/// IntegerActivationMatMul: exact sums of products of levels, then one rounding.
class IntegerMatMulKernel final : public Kernel {
 public:
  explicit IntegerMatMulKernel(const graph::Node& node)
      : a_(range_at(node, "a")),
        b_(range_at(node, "b")),
        output_(range_at(node, "output")),
        rounds_(node.int_attribute("rounds", 0) != 0) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const KernelContext&) override {
    constexpr double kExactSum = 1 << 24;  // integers up to this are exact in float32
    const auto terms = static_cast<double>(inputs[0].size(-1));
    const bool exact = terms * a_.largest() * b_.largest() < kExactSum;
    const at::ScalarType type = exact ? at::kFloat : at::kDouble;
    const at::Tensor sums =
        at::matmul(levels(inputs[0], a_).to(type), levels(inputs[1], b_).to(type)).to(at::kFloat);
    const float step = a_.scale * b_.scale;
    if (!rounds_) return {sums * step};
    const float multiplier = step / output_.scale;
    return {(sums * multiplier).round_().clamp_(output_.low, output_.high) * output_.scale};
  }

  std::string description() const override { return "integers"; }

 private:
  static at::Tensor levels(const at::Tensor& x, const LevelRange& range) {
    return (x.to(at::kFloat) / range.scale).round_();
  }

  LevelRange a_;
  LevelRange b_;
  LevelRange output_;
  bool rounds_;
};

}  // namespace

std::unique_ptr<Kernel> make_integer_matmul(const KernelRequest& request) {
  return std::make_unique<IntegerMatMulKernel>(request.node);
}

}  // namespace ompq::runtime
