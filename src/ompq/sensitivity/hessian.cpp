#include "ompq/sensitivity/hessian.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "ompq/core/error.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/sensitivity/gradient_network.h"

namespace ompq::sensitivity {
namespace {

/// +1 and -1, equally likely.
at::Tensor signs_like(const at::Tensor& model, Random& random) {
  at::Tensor signs = at::empty(model.sizes(), at::kFloat);
  float* values = signs.data_ptr<float>();
  const std::int64_t count = signs.numel();
  for (std::int64_t at = 0; at < count; at += 64) {
    std::uint64_t bits = random.next();
    for (std::int64_t i = at; i < std::min(at + 64, count); ++i, bits >>= 1U) {
      values[i] = (bits & 1U) != 0 ? 1.0F : -1.0F;
    }
  }
  return signs;
}

/// A r for A = diag(sqrt p) (I - sqrt p sqrt p'), row by row: A A' = diag(p) - p p'.
at::Tensor spread_as_softmax(const at::Tensor& log_probabilities, const at::Tensor& signs) {
  const at::NoGradGuard no_grad;
  const at::Tensor root = (log_probabilities.detach() * 0.5).exp();
  return root * (signs - root * (root * signs).sum(1, /*keepdim=*/true));
}

class Hessian final : public Meter {
 public:
  explicit Hessian(const MeterContext& context)
      : context_(context),
        network_(context.graph, context.layers),
        leaves_(network_.leaves()),
        traces_(context.layers.size(), 0.0) {}

  void see_samples(std::span<const Tensor> inputs, const ProgressHandler& progress) override {
    const runtime::Passes passes = network_.passes(inputs);
    for (std::int64_t pass = 0; pass < passes.count(); ++pass) {
      see_pass(inputs, passes, pass);
      const std::int64_t done = pass * passes.at_once + passes.real(pass);
      if (progress) progress({"sensitivity", done, passes.samples, "hessian"});
    }
  }

  [[nodiscard]] LossTable result() const override {
    if (samples_ == 0) throw DataError("sensitivity", "no sample was given; add a batch first");
    const double scale =
        network_.kind() == scores::Kind::None ? 1.0 / norm_ : 0.5 / static_cast<double>(samples_);
    LossTable table = context_.squared_change;
    for (std::size_t i = 0; i < table.values.size(); ++i) {
      const std::size_t l = i / table.widths.size();
      table.values[i] *= scale * traces_[l] / static_cast<double>(network_.weights()[l].numel());
    }
    return table;
  }

 private:
  void see_pass(std::span<const Tensor> inputs, const runtime::Passes& passes, std::int64_t pass) {
    const std::int64_t count = passes.real(pass);
    const std::int64_t at_once = passes.fixed ? passes.at_once : count;
    const auto outputs = outputs_of(
        network_.run(network_.inputs_of(inputs, passes, pass), leaves_), 0, count, at_once);
    const bool classes = network_.kind() != scores::Kind::None;
    const at::Tensor row =
        classes ? network_.log_probabilities(outputs) : in_one_row(outputs).unsqueeze(0);
    Random random =
        random_for(inputs, pass * passes.at_once, count, context_.options.seed, "hessian");
    const int probes = context_.options.probes;
    for (int probe = 0; probe < probes; ++probe) {
      check_interrupt();
      const at::Tensor signs = signs_like(row, random);
      const runtime::BackwardScope backward;
      row.backward(classes ? spread_as_softmax(row, signs) : signs,
                   /*retain_graph=*/probe + 1 < probes);
      collect();
    }
    if (!classes) norm_ += squared_norm(outputs);
    samples_ += count;
  }

  static at::Tensor in_one_row(const std::vector<at::Tensor>& outputs) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& output : outputs) parts.push_back(output.reshape({-1}));
    return at::cat(parts);
  }

  void collect() {
    const at::NoGradGuard no_grad;
    for (std::size_t l = 0; l < leaves_.size(); ++l) {
      at::Tensor& gradient = leaves_[l].mutable_grad();
      if (!gradient.defined()) continue;  // the outputs do not depend on it
      traces_[l] += squared_norm({gradient}) / context_.options.probes;
      gradient = at::Tensor();
    }
  }

  MeterContext context_;
  GradientNetwork network_;
  std::vector<at::Tensor> leaves_;
  std::vector<double> traces_;  ///< by layer: sum over samples
  double norm_ = 0;             ///< sum over samples of |y|^2
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<Meter> make_hessian(const MeterContext& context) {
  return std::make_unique<Hessian>(context);
}

}  // namespace ompq::sensitivity
