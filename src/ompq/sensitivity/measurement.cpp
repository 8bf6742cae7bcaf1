#include "ompq/sensitivity/measurement.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/allocation_failure.h"
#include "ompq/runtime/thread_scope.h"
#include "ompq/sensitivity/local_error.h"
#include "ompq/sensitivity/meter.h"
#include "ompq/sensitivity/output_divergence.h"
#include "ompq/sensitivity/walk.h"

namespace ompq::sensitivity {
namespace {

using State = runtime::Executor::State;

MeasureOptions checked(MeasureOptions options) {
  if (options.metrics.empty()) {
    throw ConfigError("sensitivity", "no metric was requested; name one or more");
  }
  options.widths = sorted_widths(std::move(options.widths));
  if (options.widest_measured && *options.widest_measured < options.widths.front()) {
    throw ConfigError("sensitivity",
                      fmt::format("the widest measured width, {} bits, is below the smallest "
                                  "requested one, {}; measure at least one",
                                  options.widest_measured->value(),
                                  options.widths.front().value()));
  }
  if (options.probes < 1) {
    throw ConfigError("sensitivity",
                      fmt::format("the number of probes is {}; use 1 or more", options.probes));
  }
  return options;
}

double squared_change(const Tensor& weight, const Tensor& quantized) {
  return squared_distance({weight}, {quantized});
}

}  // namespace

struct Measurement::Impl {
  struct Row {
    const Metric* metric;
    std::unique_ptr<Meter> meter;          ///< null once dropped
    std::optional<std::string> dropped{};  ///< why

    void drop(std::string reason) {
      dropped = std::move(reason);
      meter.reset();
    }
  };

  const graph::Graph& graph;
  const std::vector<graph::Layer>& layers;
  MeasureOptions options;
  QuantizedWeight quantized;
  std::vector<bool> owns;  ///< by layer
  std::int64_t batches = 0;
  LossTable change;
  LossTable layer_error;  ///< squared error of the layer's output, if it was measured
  std::vector<double> squared_weight;
  std::vector<Row> rows;

  Impl(const graph::Graph& network,
       const std::vector<graph::Layer>& units,
       MeasureOptions asked,
       QuantizedWeight weights)
      : graph(network),
        layers(units),
        options(checked(std::move(asked))),
        quantized(std::move(weights)),
        owns(owns_weight(units)) {
    for (const std::string& name : options.metrics)
      (void)metric(name);  // report unknown names first
    weigh();
    layer_error = {options.widths, std::vector<double>(change.values.size(), 0.0)};
    const MeterContext context{graph, layers, options, quantized, change, squared_weight};
    for (const std::string& name : options.metrics) {
      const bool known =
          std::ranges::any_of(rows, [&](const Row& row) { return row.metric->name == name; });
      if (known) continue;
      Row& row = rows.emplace_back(Row{&metric(name), nullptr});
      attempt(row, [&] { row.meter = row.metric->make(context); });
    }
  }

  /// Runs a metric's work; if it cannot be measured, only this metric is dropped. Errors about
  /// options are passed on.
  template <typename Work>
  static void attempt(Row& row, const Work& work) {
    try {
      work();
    } catch (const Interrupted&) {
      throw;
    } catch (const ConfigError&) {
      throw;
    } catch (const Error& error) {
      row.drop(std::string(error.what()).substr(error.where().size() + 3));
    } catch (const c10::Error& error) {
      const auto failure = ops::allocation_failure(error.what_without_backtrace());
      row.drop(failure ? failure->reason() : error.what_without_backtrace());
    }
  }

  void weigh() {
    change.widths = options.widths;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Tensor& weight = *graph.value(layers[l].weight).constant;
      squared_weight.push_back(squared_norm(std::vector{weight}));
      for (const BitWidth width : options.widths) {
        change.values.push_back(squared_change(weight, quantized(l, width)));
      }
    }
  }

  [[nodiscard]] bool any(Needs needs) const {
    return std::ranges::any_of(
        rows, [&](const Row& row) { return row.meter != nullptr && row.metric->needs == needs; });
  }
  template <typename Action>
  void each(Needs needs, const Action& action) {
    for (Row& row : rows) {
      if (row.meter == nullptr || row.metric->needs != needs) continue;
      attempt(row, [&] { action(*row.meter); });
    }
  }

  [[nodiscard]] std::size_t measured_widths() const {
    if (!options.widest_measured) return options.widths.size();
    return static_cast<std::size_t>(
        std::ranges::upper_bound(options.widths, *options.widest_measured) -
        options.widths.begin());
  }

  void walk(runtime::Executor& executor,
            std::span<const Tensor> inputs,
            const ProgressHandler& progress) {
    State state = executor.start(inputs);
    if (any(Needs::Outputs)) {
      const auto outputs = executor.finish(State(state));
      each(Needs::Outputs, [&](Meter& meter) { meter.see_float_outputs(outputs); });
    }
    const std::vector<std::size_t> order = reading_order(executor, layers);
    const auto position = [&](std::size_t i) {
      return executor.reader_position(layers[order[i]].weight);
    };
    for (std::size_t i = 0; i < order.size(); ++i) {
      // A node may have two weights.
      const bool last_of_node = i + 1 == order.size() || position(i + 1) != position(i);
      visit(executor, state, order[i], last_of_node);
      if (progress) {
        progress({"sensitivity",
                  static_cast<std::int64_t>(i) + 1,
                  static_cast<std::int64_t>(order.size()),
                  layers[order[i]].name});
      }
    }
  }

  /// True if the layer's output is needed: by a metric, or for extrapolation.
  [[nodiscard]] bool looks_at_layer(std::size_t width) const {
    const bool extrapolated = any(Needs::Outputs) && measured_widths() < options.widths.size();
    return any(Needs::LayerOutput) || (extrapolated && width + 1 >= measured_widths());
  }

  /// Measures every width of one layer. `state` ends at the layer's node, or directly after it if
  /// allowed.
  void visit(runtime::Executor& executor, State& state, std::size_t layer, bool may_pass_node) {
    const graph::ValueId weight = layers[layer].weight;
    executor.advance_to_reader_of(state, weight);
    const std::size_t widths = options.widths.size();
    const bool local = looks_at_layer(widths - 1);
    State real = state;
    graph::ValueId output = graph::kNoValue;
    if (local) output = executor.run_reader_of(real, weight);
    {
      WeightScope scope(executor, graph, weight);
      for (std::size_t w = 0; w < widths; ++w) {
        check_interrupt();
        const bool whole = any(Needs::Outputs) && w < measured_widths();
        if (!whole && !looks_at_layer(w)) continue;
        scope.set(quantized(layer, options.widths[w]));
        State changed = state;
        if (looks_at_layer(w)) compare(executor, {layer, w}, output, real, changed);
        if (!whole) continue;
        const auto outputs = executor.finish(std::move(changed));
        each(Needs::Outputs, [&](Meter& meter) { meter.see_outputs({layer, w}, outputs); });
      }
    }
    if (local && may_pass_node) state = std::move(real);
  }

  void compare(
      runtime::Executor& executor, Cell cell, graph::ValueId output, State& real, State& changed) {
    executor.run_reader_of(changed, layers[cell.layer].weight);
    const MatrixView before = executor.rows(real, output);
    const MatrixView after = executor.rows(changed, output);
    layer_error.values[cell.layer * options.widths.size() + cell.width] +=
        squared_distance(before, after);
    each(Needs::LayerOutput, [&](Meter& meter) { meter.see_layer(cell, before, after); });
  }

  [[nodiscard]] LossTable finished(const Row& row) const {
    LossTable table = row.meter->result();
    if (!std::ranges::all_of(table.values, [](double value) { return std::isfinite(value); })) {
      throw DataError("sensitivity", "some of its values are not finite on these samples");
    }
    const std::size_t count = options.widths.size();
    for (std::size_t i = 0; i < table.values.size(); ++i) {
      if (!owns[i / count]) table.values[i] = 0.0;
    }
    forbid_growth(table);
    if (row.metric->needs == Needs::Outputs && measured_widths() < count) {
      extrapolate_widths(table, layer_error, *options.widest_measured);
      forbid_growth(table);
    }
    return table;
  }
};

Measurement::Measurement(const graph::Graph& graph,
                         const std::vector<graph::Layer>& layers,
                         MeasureOptions options,
                         QuantizedWeight quantized)
    : impl_(std::make_unique<Impl>(graph, layers, std::move(options), std::move(quantized))) {}
Measurement::~Measurement() = default;
Measurement::Measurement(Measurement&&) noexcept = default;
Measurement& Measurement::operator=(Measurement&&) noexcept = default;

bool Measurement::needs_samples() const {
  return std::ranges::any_of(impl_->rows, [](const Impl::Row& row) {
    return row.meter != nullptr && sensitivity::needs_samples(*row.metric);
  });
}

void Measurement::add_batch(runtime::Executor& executor,
                            std::span<const Tensor> inputs,
                            const ProgressHandler& progress) {
  ++impl_->batches;
  if (impl_->any(Needs::Outputs) || impl_->any(Needs::LayerOutput)) {
    impl_->walk(executor, inputs, progress);
  }
  const runtime::ThreadScope scope(executor.threads());
  impl_->each(Needs::Gradients, [&](Meter& meter) { meter.see_samples(inputs, progress); });
}

std::map<std::string, LossTable> Measurement::result() const {
  if (needs_samples() && impl_->batches == 0) {
    throw DataError("sensitivity", "no sample was given; add a batch first");
  }
  std::map<std::string, LossTable> tables;
  for (Impl::Row& row : impl_->rows) {
    if (row.meter == nullptr) continue;
    Impl::attempt(row, [&] { tables.emplace(row.metric->name, impl_->finished(row)); });
  }
  return tables;
}

std::map<std::string, std::string> Measurement::dropped() const {
  std::map<std::string, std::string> reasons;
  for (const Impl::Row& row : impl_->rows) {
    if (row.dropped) reasons.emplace(row.metric->name, *row.dropped);
  }
  return reasons;
}

}  // namespace ompq::sensitivity
