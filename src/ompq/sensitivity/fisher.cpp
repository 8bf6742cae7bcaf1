#include "ompq/sensitivity/fisher.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/sensitivity/gradient_network.h"

namespace ompq::sensitivity {
namespace {

/// A class drawn by its probability.
std::int64_t draw_label(const at::Tensor& log_probabilities, Random& random) {
  const at::Tensor row = log_probabilities.detach().contiguous();
  const float* values = row.data_ptr<float>();
  double left = random.uniform();
  for (std::int64_t c = 0; c < row.numel(); ++c) {
    left -= std::exp(static_cast<double>(values[c]));
    if (left < 0) return c;
  }
  return row.argmax().item<std::int64_t>();  // because of rounding of the probabilities
}

at::Tensor normal_like(const at::Tensor& model, Random& random) {
  at::Tensor drawn = at::empty(model.sizes(), at::kFloat);
  float* values = drawn.data_ptr<float>();
  for (std::int64_t i = 0; i < drawn.numel(); ++i) values[i] = static_cast<float>(random.normal());
  return drawn;
}

/// sum of squares[i] * (quantized - weight)[i]^2
double weighted_change(const at::Tensor& squares, const Tensor& weight, const Tensor& quantized) {
  const auto* factor = squares.data_ptr<float>();
  const auto w = weight.data<float>();
  const auto q = quantized.data<float>();
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double change = static_cast<double>(q[i]) - w[i];
    sum += factor[i] * change * change;
  }
  return sum;
}

class Fisher final : public Meter {
 public:
  explicit Fisher(const MeterContext& context)
      : context_(context), network_(context.graph, context.layers), leaves_(network_.leaves()) {
    for (const at::Tensor& weight : leaves_) {
      squares_.push_back(at::zeros(weight.sizes(), at::kFloat));
    }
  }

  void see_samples(std::span<const Tensor> inputs, const ProgressHandler& progress) override {
    const runtime::Passes passes = network_.passes(inputs);
    for (std::int64_t pass = 0; pass < passes.count(); ++pass) {
      check_interrupt();
      see_pass(inputs, passes, pass);
      const std::int64_t done = pass * passes.at_once + passes.real(pass);
      if (progress) progress({"sensitivity", done, passes.samples, "fisher"});
    }
  }

  [[nodiscard]] LossTable result() const override {
    if (samples_ == 0) throw DataError("sensitivity", "no samples were given; add a batch first");
    const double scale =
        network_.kind() == scores::Kind::None ? 1.0 / norm_ : 0.5 / static_cast<double>(samples_);
    LossTable table{context_.options.widths, {}};
    for (std::size_t l = 0; l < squares_.size(); ++l) {
      const Tensor& weight = *context_.graph.value(context_.layers[l].weight).constant;
      for (const BitWidth width : table.widths) {
        table.values.push_back(scale *
                               weighted_change(squares_[l], weight, context_.quantized(l, width)));
      }
    }
    return table;
  }

 private:
  void see_pass(std::span<const Tensor> inputs, const runtime::Passes& passes, std::int64_t pass) {
    const auto outputs = network_.run(network_.inputs_of(inputs, passes, pass), leaves_);
    const std::int64_t count = passes.real(pass);
    const std::int64_t at_once = passes.fixed ? passes.at_once : count;
    std::vector<at::Tensor> terms;
    const at::Tensor scores =
        network_.kind() == scores::Kind::None ? at::Tensor() : network_.log_probabilities(outputs);
    for (std::int64_t s = 0; s < count; ++s) {
      Random random =
          random_for(inputs, pass * passes.at_once + s, 1, context_.options.seed, "fisher");
      if (scores.defined()) {
        terms.push_back(-scores[s][draw_label(scores[s], random)]);
        continue;
      }
      const auto own = outputs_of(outputs, s, 1, at_once);
      norm_ += squared_norm(own);
      terms.push_back(projection(own, random));
    }
    const runtime::BackwardScope backward;
    at::stack(terms).sum().backward();
    collect();
    samples_ += count;
  }

  static at::Tensor projection(const std::vector<at::Tensor>& outputs, Random& random) {
    at::Tensor sum = at::zeros({}, at::kFloat);
    for (const at::Tensor& output : outputs) {
      sum = sum + (output * normal_like(output, random)).sum();
    }
    return sum;
  }

  void collect() {
    const at::NoGradGuard no_grad;
    for (std::size_t l = 0; l < leaves_.size(); ++l) {
      at::Tensor& gradient = leaves_[l].mutable_grad();
      if (!gradient.defined()) continue;  // the outputs do not depend on it
      squares_[l].addcmul_(gradient, gradient);
      gradient = at::Tensor();
    }
  }

  MeterContext context_;
  GradientNetwork network_;
  std::vector<at::Tensor> leaves_;
  std::vector<at::Tensor> squares_;  ///< by layer: sum over samples of g^2
  double norm_ = 0;                  ///< sum over samples of |y|^2
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<Meter> make_fisher(const MeterContext& context) {
  return std::make_unique<Fisher>(context);
}

}  // namespace ompq::sensitivity
