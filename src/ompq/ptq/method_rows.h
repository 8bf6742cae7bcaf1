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

/// A network on its way through the steps of a method.
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
  /// Of what it keeps in the journal: "learning" keeps the units "learning 0", "learning 1", ...
  std::string_view name;
  rounding::NetworkCodes (*run)(const RoundingRun& run, rounding::NetworkCodes codes) = nullptr;
  /// What it costs, in forward passes of one sample through the float network.
  double (*passes)(const MethodOptions& options,
                   const EffortRow& effort,
                   std::int64_t samples) = nullptr;
  std::span<const std::string_view> reads{};  ///< options that no other step reads: "iterations"
};

/// One way from float weights to codes. This row is all that a method needs: nothing else asks for
/// its name.
struct MethodRow {
  std::string_view name;
  /// In their order, after rounding to nearest and what is prepared. None: codes stay as they are.
  std::vector<const RoundingStep*> steps{};
  double drop_probability = 0.0;  ///< QDrop, in steps that learn
  /// Samples that it works with, by effort.
  std::int64_t samples[3] = {0, 0, 0};

  /// True for plain rounding to nearest.
  [[nodiscard]] bool is_plain() const { return steps.empty(); }
};

}  // namespace ompq::ptq
