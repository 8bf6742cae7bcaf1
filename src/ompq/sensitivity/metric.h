#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/row_table.h"
#include "ompq/graph/layers.h"
#include "ompq/sensitivity/loss_table.h"

namespace ompq::sensitivity {

class Meter;
class OutputLoss;
struct ActivationTable;

/// The data that a metric needs.
enum class Needs : std::uint8_t {
  Weights,      ///< only the weights, no samples
  Importance,   ///< the weights and MeasureOptions::theta, no samples
  LayerOutput,  ///< each quantized layer's own output
  Outputs,      ///< the network's outputs with each layer quantized in turn
  Gradients,    ///< gradients with respect to the weights
};

struct MeasureOptions {
  std::vector<std::string> metrics;  ///< names of rows of metrics()
  std::vector<BitWidth> widths;      ///< in any order; tables have them ascending
  std::uint64_t seed = 1;            ///< of fisher's labels and hessian's probes
  /// Importance, one per layer; only for orm-error.
  std::vector<double> theta{};
  /// output-mse and output-kl are measured up to this width; for larger ones only the layer's node
  /// runs and losses are extrapolated (extrapolate_widths). Nullopt: every width is measured.
  std::optional<BitWidth> widest_measured{};
  int probes = 1;  ///< hessian: random directions for each batch, >= 1
};

/// The context of a Meter; everything must outlive it.
struct MeterContext {
  const graph::Graph& graph;
  const std::vector<graph::Layer>& layers;
  const MeasureOptions& options;  ///< widths ascending and distinct
  const QuantizedWeight& quantized;
  /// sum |W_q - W|^2 and sum |W|^2 of every layer and width.
  const LossTable& squared_change;
  const std::vector<double>& squared_weight;
};

/// An estimate of the loss of quantizing a layer to a width. Tied layers are measured separately,
/// with the others in float; the loss of a tie is the sum of its rows. This row is all that a
/// metric needs; no other code depends on its name.
struct Metric {
  std::string_view name;
  std::string_view summary;
  std::string_view unit;
  std::string_view passes;  ///< cost in words; L layers, W widths
  std::string_view source;
  Needs needs = Needs::Weights;
  std::unique_ptr<Meter> (*make)(const MeterContext& context) = nullptr;
  /// Name in allocation::allocators() of the solver that is used if this metric is selected as an
  /// allocator. "": it cannot be selected.
  std::string_view solver = "integer";
  /// The same loss for arbitrary changes of the network, for pairs of layers; null: only for single
  /// layers.
  /// @throws DataError if the network has no such outputs.
  std::unique_ptr<OutputLoss> (*output_loss)(std::size_t cells,
                                             const graph::Graph& graph) = nullptr;
  /// The same loss for quantized activations, to choose their widths too; null: only for weights.
  const LossTable& (*activation_loss)(const ActivationTable& effects) = nullptr;
};

/// Every metric, in the order of docs/metrics.md.
[[nodiscard]] std::span<const Metric> metrics();
/// The same, for temporarily added rows; see search::ScopedMetric.
[[nodiscard]] RowTable<Metric>& metric_rows();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const Metric& metric(std::string_view name);
/// Names of the metrics whose row has `member` set, in the order of metrics().
template <typename Member>
[[nodiscard]] std::vector<std::string_view> metrics_with(Member Metric::*member) {
  std::vector<std::string_view> names;
  for (const Metric& row : metrics()) {
    if (row.*member) names.push_back(row.name);
  }
  return names;
}
/// True if Measurement::add_batch has to be called for it.
[[nodiscard]] bool needs_samples(const Metric& metric);

}  // namespace ompq::sensitivity
