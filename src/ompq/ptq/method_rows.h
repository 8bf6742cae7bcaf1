#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/model.h"
#include "ompq/ptq/method_options.h"
#include "ompq/report/reconstruction.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::ptq {

struct MethodRow;

/// The settings of an effort, without samples.
struct EffortRow {
  std::string_view name;
  std::string_view method;  ///< its best method
  std::int64_t iterations;  ///< per block
  std::int64_t epochs;      ///< for distillation
  double level_rate;        ///< for distillation
};

/// A network during the steps of a method.
struct RoundingRun {
  const pipeline::Model& model;
  data::Dataset& dataset;
  const std::vector<std::int64_t>& indices;  ///< of the samples that the method works with
  const MethodOptions& options;
  const MethodRow& row;
  const EffortRow& effort;
  pipeline::Journal* journal;  ///< may be null
  report::Reconstruction& result;
  const ProgressHandler& progress;
};

/// One step of a method: from codes to better ones.
struct RoundingStep {
  /// Prefix of its units in the journal: "learning" for "learning 0", "learning 1", ...
  std::string_view name;
  rounding::NetworkCodes (*run)(const RoundingRun& run, rounding::NetworkCodes codes) = nullptr;
  /// Its cost, in forward passes of one sample through the float network.
  double (*passes)(const MethodOptions& options,
                   const EffortRow& effort,
                   std::int64_t samples) = nullptr;
  /// What it rounds at a time, "layer" or "block", one row of the report each; "" without such
  /// rows.
  std::string_view unit = {};
  std::span<const std::string_view> reads{};  ///< options that no other step reads: "iterations"
};

/// A method of rounding float weights to codes. A method needs only this row; no other code depends
/// on its name.
struct MethodRow {
  std::string_view name;
  /// In order, after rounding to nearest and the prepared steps. None: codes are unchanged.
  std::vector<const RoundingStep*> steps{};
  double drop_probability = 0.0;  ///< QDrop, in steps that learn
  /// Number of samples, by effort.
  std::int64_t samples[3] = {0, 0, 0};

  /// True for plain rounding to nearest.
  [[nodiscard]] bool is_plain() const { return steps.empty(); }
};

}  // namespace ompq::ptq
