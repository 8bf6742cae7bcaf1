#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/core/time_limit.h"
#include "ompq/orm/orm.h"
#include "ompq/pipeline/model.h"
#include "ompq/search/features.h"
#include "ompq/search/rounded_weights.h"
#include "ompq/sensitivity/activation_effect.h"
#include "ompq/sensitivity/measurement.h"
#include "ompq/sensitivity/pairwise.h"
#include "ompq/targets/target_table.h"

namespace ompq::search {

/// The largest width for which the network is run. The effects of larger widths are small and are
/// scaled from the error of the layer's own output, within a factor of two (docs/metrics.md).
inline constexpr int kWidestMeasured = 4;

/// What to measure.
struct MeasurementPlan {
  std::vector<std::string> metrics;  ///< of sensitivity::metrics()
  std::vector<int> widths;           ///< columns of the loss tables
  bool orthogonality = false;        ///< of the layers' features; also needed by orm-error
  bool pairs = false;                ///< interactions within blocks
  std::vector<int>
      activation_widths{};  ///< effects of activations at these widths; empty: not measured
  std::string target{targets::kDefaultTarget};  ///< of the activations' quantizers
  double beta = 1.0;                            ///< of the paper's importance
  std::uint64_t seed = 0;
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;
  /// Metrics are measured on as many batches as end before it; parts that cannot be measured before
  /// it are left out. nullopt: no limit.
  std::optional<Deadline> deadline{};
};

/// Keys of Measurements::dropped for the orthogonality of features and the interactions in blocks.
inline constexpr std::string_view kOrthogonality = "orm";
inline constexpr std::string_view kPairs = "pairwise";

struct Measurements {
  std::optional<FeatureOutcome> features;  ///< nullopt if not requested or dropped
  orm::Importance
      importance;  ///< one entry per layer; a tied layer has its leader's; empty likewise
  std::map<std::string, sensitivity::LossTable> losses;     ///< by metric
  sensitivity::PairwiseTable pairs;                         ///< empty unless requested
  std::optional<sensitivity::ActivationTable> activations;  ///< of activation_values()
  /// For each dropped part of the plan, why it could not be measured on this network or these
  /// samples.
  std::map<std::string, std::string> dropped;
  std::int64_t samples = 0;             ///< that the metrics were measured on
  std::vector<std::string> unmeasured;  ///< parts of the plan that the deadline left out
};

/// Measures everything in the plan on the samples at `indices`. Parts that cannot be measured are
/// dropped. Outputs that are not floats are replaced by the floats from which they are computed,
/// see graph::with_float_outputs.
[[nodiscard]] Measurements measure(const pipeline::Model& model,
                                   data::Dataset& dataset,
                                   const std::vector<std::int64_t>& indices,
                                   const MeasurementPlan& plan,
                                   RoundedWeights& weights,
                                   const ProgressHandler& progress = {});

/// The losses of a metric of Needs::Importance with another importance (another beta) than the
/// plan's.
[[nodiscard]] sensitivity::LossTable importance_losses(const pipeline::Model& model,
                                                       const std::string& metric,
                                                       const orm::Importance& importance,
                                                       const std::vector<int>& widths,
                                                       RoundedWeights& weights);

/// Importance for decisions only: a tied layer follows its leader and is not part of the program.
[[nodiscard]] orm::Importance importance_of_leaders(
    const orm::OrthogonalityMatrix& matrix,
    const std::vector<allocation::LayerCost>& layers,
    double beta);

}  // namespace ompq::search
