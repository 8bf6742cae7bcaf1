#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/orm/orm.h"
#include "ompq/pipeline/model.h"
#include "ompq/search/features.h"
#include "ompq/search/rounded_weights.h"
#include "ompq/sensitivity/activation_effect.h"
#include "ompq/sensitivity/measurement.h"
#include "ompq/sensitivity/pairwise.h"

namespace ompq::search {

/// What to measure on which samples.
struct MeasurementPlan {
  std::vector<std::string> metrics;  ///< of sensitivity::metrics()
  std::vector<int> widths;           ///< columns of the loss tables
  bool orthogonality = false;        ///< of the layers' features, which orm-error needs as well
  bool pairs = false;                ///< interactions inside of blocks
  std::vector<int>
      activation_widths{};  ///< effect of each activation at these; empty: not measured
  double beta = 1.0;        ///< of the paper's importance
  std::uint64_t seed = 0;
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;
};

/// What Measurements::dropped calls the orthogonality of features, and the interactions in blocks.
inline constexpr std::string_view kOrthogonality = "orm";
inline constexpr std::string_view kPairs = "pairwise";

struct Measurements {
  std::optional<FeatureOutcome> features;  ///< nothing where not asked for, or dropped
  orm::Importance importance;  ///< one entry a layer; a tied one has its leader's; none likewise
  std::map<std::string, sensitivity::LossTable> losses;     ///< by metric
  sensitivity::PairwiseTable pairs;                         ///< empty unless asked for
  std::optional<sensitivity::ActivationTable> activations;  ///< of activation_values()
  /// Why something of the plan could not be measured on this network or these samples.
  std::map<std::string, std::string> dropped;
};

/// All that the plan names, over the samples at `indices`. What cannot be measured is dropped, and
/// the rest goes on. Outputs that are no floats are judged by what they are made of, see
/// graph::with_float_outputs.
[[nodiscard]] Measurements measure(const pipeline::Model& model,
                                   data::Dataset& dataset,
                                   const std::vector<std::int64_t>& indices,
                                   const MeasurementPlan& plan,
                                   RoundedWeights& weights,
                                   const ProgressHandler& progress = {});

/// Losses by a metric of Needs::Importance, with another importance than the plan's: for one more
/// beta.
[[nodiscard]] sensitivity::LossTable importance_losses(const pipeline::Model& model,
                                                       const std::string& metric,
                                                       const orm::Importance& importance,
                                                       const std::vector<int>& widths,
                                                       RoundedWeights& weights);

/// Importance for the decisions alone: a tied layer follows its leader and takes no part in the
/// program.
[[nodiscard]] orm::Importance importance_of_leaders(
    const orm::OrthogonalityMatrix& matrix,
    const std::vector<allocation::LayerCost>& layers,
    double beta);

}  // namespace ompq::search
