#include "ompq/sensitivity/fisher.h"

#include <algorithm>
#include <cmath>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
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
  return row.argmax().item<std::int64_t>();  // the probabilities' rounding error was drawn
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
    const std::int64_t count = inputs.front().shape().front();
    const std::int64_t step = network_.samples_at_once();
    for (std::int64_t begin = 0; begin < count; begin += step) {
      check_interrupt();
      const std::int64_t size = std::min(step, count - begin);
      see_chunk(inputs, begin, size);
      if (progress) progress({"sensitivity", begin + size, count, "fisher"});
    }
  }

  [[nodiscard]] LossTable result() const override {
    if (samples_ == 0) throw DataError("sensitivity", "no sample was given; add a batch first");
    const double scale =
        network_.scores() == Scores::None ? 1.0 / norm_ : 0.5 / static_cast<double>(samples_);
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
  void see_chunk(std::span<const Tensor> inputs, std::int64_t begin, std::int64_t count) {
    const auto slices = slice_samples(inputs, begin, count);
    const auto outputs = network_.run(slices, leaves_);
    std::vector<at::Tensor> terms;
    const at::Tensor scores =
        network_.scores() == Scores::None ? at::Tensor() : network_.log_probabilities(outputs);
    for (std::int64_t s = 0; s < count; ++s) {
      Random random = random_for(inputs, begin + s, 1, context_.options.seed, "fisher");
      terms.push_back(scores.defined() ? -scores[s][draw_label(scores[s], random)]
                                       : projection(outputs, s, random));
    }
    if (!scores.defined()) norm_ += squared_norm(outputs);
    at::stack(terms).sum().backward();
    collect();
    samples_ += count;
  }

  static at::Tensor projection(const std::vector<at::Tensor>& outputs,
                               std::int64_t sample,
                               Random& random) {
    at::Tensor sum = at::zeros({}, at::kFloat);
    for (const at::Tensor& output : outputs) {
      sum = sum + (output[sample] * normal_like(output[sample], random)).sum();
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
