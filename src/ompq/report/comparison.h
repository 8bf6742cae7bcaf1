#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/report/results.h"

namespace ompq::report {

/// One allocator's answer to one budget, quantized and measured.
struct ComparisonRow {
  std::string budget;  ///< in words
  std::string allocator;
  std::vector<int> weight_bits;
  double average_bits = 0;
  std::int64_t bytes = 0;  ///< of the file that quantize would write
  double gbops = 0;
  double seconds = 0;  ///< to measure and allocate, as if nobody else had been asked
  Evaluation evaluation;
  std::string refused;  ///< why there is no answer under this budget, or ""
};

/// How well a metric predicts what an allocation keeps: Spearman's rank correlation between the
/// loss that it predicts and what was measured, over random allocations of one budget each,
/// averaged over the budgets. 1: it orders them as the measurement does; 0: it says nothing.
struct RankCorrelation {
  std::string metric;
  std::optional<double> accuracy;  ///< with top-1; none where there are no labels or all are equal
  std::optional<double> divergence;  ///< with the divergence from the float network
};

/// `ompq compare`: allocators x budgets.
struct Comparison {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  SamplesUsed evaluated_on;
  Evaluation float_evaluation;
  std::string activation_bits;
  std::vector<std::string> budgets;     ///< in words, in the order that was asked for
  std::vector<std::string> allocators;  ///< in the order that was asked for
  std::vector<ComparisonRow> rows;      ///< budget by budget
  std::vector<RankCorrelation> correlations;
  std::int64_t random_allocations = 0;  ///< a budget
  StepSeconds seconds;
};

/// One allocation on the size-fidelity curve.
struct SweepPoint {
  std::vector<int> weight_bits;
  double average_bits = 0;
  std::int64_t bytes = 0;  ///< of the file that quantize would write
  double gbops = 0;
  double predicted_loss = 0;
  double gap = 0;         ///< how far from the best loss at this size at most, relative
  double divergence = 0;  ///< measured, on samples that the metric did not see
};

/// `ompq sweep`: the whole curve.
struct Sweep {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  std::string metric;      ///< by which the curve was found
  std::string instead_of;  ///< the metric that was asked for and cannot be measured here, or ""
  std::string measure;     ///< what a divergence is, with its unit
  std::string activation_bits;
  std::vector<LayerRow> layers;
  std::vector<SweepPoint> points;  ///< from the smallest file to the largest
  std::size_t knee = 0;            ///< index of the point
  std::optional<std::size_t> picked;
  StepSeconds seconds;
};

}  // namespace ompq::report
