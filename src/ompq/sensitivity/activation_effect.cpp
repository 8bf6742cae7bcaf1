#include "ompq/sensitivity/activation_effect.h"

#include <algorithm>

#include "ompq/core/error.h"
#include "ompq/sensitivity/output_divergence.h"
#include "ompq/sensitivity/walk.h"

namespace ompq::sensitivity {

using State = runtime::Executor::State;

std::vector<graph::ValueId> activations_of(const std::vector<graph::Layer>& layers) {
  std::vector<graph::ValueId> values;
  for (const graph::Layer& layer : layers) {
    if (layer.activation == graph::kNoValue) continue;
    if (std::find(values.begin(), values.end(), layer.activation) == values.end()) {
      values.push_back(layer.activation);
    }
  }
  return values;
}

struct ActivationEffect::Impl {
  const graph::Graph& graph;
  std::vector<graph::ValueId> values;
  std::vector<BitWidth> widths;
  ActivationQuantizer quantizer;
  RelativeError error;
  std::optional<Divergence> divergence;

  Impl(const graph::Graph& network,
       const std::vector<graph::Layer>& layers,
       std::vector<BitWidth> asked,
       ActivationQuantizer quantizers)
      : graph(network),
        values(activations_of(layers)),
        widths(sorted_widths(std::move(asked))),
        quantizer(std::move(quantizers)),
        error(values.size() * widths.size()) {
    const scores::Kind kind = scores::kind_of(network);
    if (kind != scores::Kind::None) divergence.emplace(values.size() * widths.size(), kind);
  }

  void see_float(const std::vector<Tensor>& outputs) {
    error.see_float(outputs);
    if (divergence) divergence->see_float(outputs);
  }

  void see(std::size_t cell, const std::vector<Tensor>& outputs) {
    error.see(cell, outputs);
    if (divergence) divergence->see(cell, outputs);
  }

  /// Rows in the order in which this executor computes their values.
  [[nodiscard]] std::vector<std::size_t> visiting_order(const runtime::Executor& executor) const {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t row = 0; row < values.size(); ++row) {
      places.emplace_back(executor.position(values[row]), row);
    }
    std::sort(places.begin(), places.end());
    std::vector<std::size_t> order;
    for (const auto& [position, row] : places) order.push_back(row);
    return order;
  }

  void visit(runtime::Executor& executor, State& state, std::size_t row) {
    executor.advance_past(state, values[row]);
    for (std::size_t w = 0; w < widths.size(); ++w) {
      check_interrupt();
      State changed = state;
      executor.fake_quantize(changed, values[row], quantizer(values[row], widths[w]));
      see(row * widths.size() + w, executor.finish(std::move(changed)));
    }
  }

  [[nodiscard]] LossTable table(std::vector<double> sums) const {
    LossTable result{widths, std::move(sums)};
    forbid_growth(result);
    return result;
  }
};

ActivationEffect::ActivationEffect(const graph::Graph& graph,
                                   const std::vector<graph::Layer>& layers,
                                   std::vector<BitWidth> widths,
                                   ActivationQuantizer quantizer)
    : impl_(std::make_unique<Impl>(graph, layers, std::move(widths), std::move(quantizer))) {}
ActivationEffect::~ActivationEffect() = default;
ActivationEffect::ActivationEffect(ActivationEffect&&) noexcept = default;
ActivationEffect& ActivationEffect::operator=(ActivationEffect&&) noexcept = default;

void ActivationEffect::add_batch(runtime::Executor& executor,
                                 std::span<const Tensor> inputs,
                                 const ProgressHandler& progress) {
  const std::vector<std::size_t> order = impl_->visiting_order(executor);
  State state = executor.start(inputs);
  impl_->see_float(executor.finish(State(state)));
  std::int64_t done = 0;
  for (const std::size_t row : order) {
    impl_->visit(executor, state, row);
    if (progress) {
      progress({"activation sensitivity",
                ++done,
                static_cast<std::int64_t>(order.size()),
                impl_->graph.value(impl_->values[row]).name});
    }
  }
}

ActivationTable ActivationEffect::result() const {
  ActivationTable result{impl_->values, impl_->table(impl_->error.result()), std::nullopt};
  if (impl_->divergence) result.kl = impl_->table(impl_->divergence->result());
  return result;
}

}  // namespace ompq::sensitivity
