#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// A difference of shares on the same samples, with its 95 % interval.
struct PairedDifference {
  double mean = 0;
  double lower = 0;
  double upper = 0;
};

template <typename Visitor, fields::Of<PairedDifference> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("PairedDifference", "A difference of shares on the same samples, with its 95 % interval.");
  v("mean", s.mean, "-1..1; above 0: better than the first allocator");
  v("lower", s.lower, "end of the 95 % interval");
  v("upper", s.upper, "end of the 95 % interval");
}

/// One allocator's allocation for one budget, quantized and evaluated.
struct ComparisonRow {
  std::string budget;
  std::string allocator;
  std::vector<int> weight_bits;
  double average_bits = 0;
  std::int64_t bytes = 0;
  double gbops = 0;
  double seconds = 0;
  Evaluation evaluation;
  std::optional<PairedDifference> top1_difference;
  std::optional<PairedDifference> agreement_difference;
  std::string refused;
  std::optional<Portfolio> portfolio;
};

template <typename Visitor, fields::Of<ComparisonRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("ComparisonRow", "One allocator's allocation for one budget, quantized and measured.");
  v("budget", s.budget, "as text");
  v("allocator", s.allocator, "");
  v("refused",
    s.refused,
    "why there is no allocation under this budget; later fields are then missing",
    fields::kExclusive);
  v("average_bits", s.average_bits, "over all quantized weights", fields::kCount);
  v("bytes", s.bytes, "of the file that quantize would write", fields::kCount);
  v("gbops", s.gbops, "1e9 bit operations for one sample", fields::kCount);
  v("seconds", s.seconds, "time to measure and allocate, for this allocator only", fields::kCount);
  v("evaluation", s.evaluation, "");
  v("top1_difference",
    s.top1_difference,
    "from the first allocator at this budget; only with labels");
  v("agreement_difference", s.agreement_difference, "from the first allocator at this budget");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("portfolio", s.portfolio, "only for `auto`");
}

/// One allocator, over all budgets.
struct AllocatorMean {
  std::string allocator;
  std::optional<double> top1;
  std::optional<double> agreement;
  std::optional<PairedDifference> top1_difference;
  std::optional<PairedDifference> agreement_difference;
};

template <typename Visitor, fields::Of<AllocatorMean> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("AllocatorMean", "Means of one allocator over all budgets.");
  v("allocator", s.allocator, "");
  v("top1", s.top1, "mean share, 0..1; only with labels", fields::kShare);
  v("agreement", s.agreement, "mean share, 0..1", fields::kShare);
  v("top1_difference", s.top1_difference, "of the mean from the first allocator's");
  v("agreement_difference", s.agreement_difference, "of the mean from the first allocator's");
}

/// How well a metric predicts the quality of allocations: Spearman's rank correlation between
/// predicted and measured loss over random allocations of one budget, averaged over budgets. 1: the
/// same order; 0: no relation.
struct RankCorrelation {
  std::string metric;
  std::optional<double> accuracy;
  std::optional<double> divergence;
};

template <typename Visitor, fields::Of<RankCorrelation> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("RankCorrelation",
         "Rank correlation of a metric's predictions with measurements of random allocations.");
  v("metric", s.metric, "");
  v("accuracy",
    s.accuracy,
    "correlation with top-1; none without labels or if all values are equal",
    fields::kNullEmpty);
  v("divergence",
    s.divergence,
    "correlation with the divergence from the float network",
    fields::kNullEmpty);
}

/// `ompq compare`: allocators x budgets.
struct Comparison {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  SamplesUsed evaluated_on;
  Evaluation float_evaluation;
  std::string activation_bits;
  std::vector<std::string> budgets;
  std::vector<std::string> allocators;
  std::string rounding;
  std::vector<ComparisonRow> rows;
  std::vector<AllocatorMean> means;
  std::vector<RankCorrelation> rank_correlation;
  std::int64_t random_allocations = 0;
  StepSeconds seconds;
};

template <typename Visitor, fields::Of<Comparison> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Comparison", "Result of `ompq compare`: allocators x budgets.");
  list_fields(v, s.provenance);
  v("model", s.model, "");
  v("samples", s.samples, "samples that layers were measured with");
  v("evaluated_on", s.evaluated_on, "");
  v("activation_bits", s.activation_bits, "8, 4 (inputs 8) or float");
  v("float_evaluation",
    s.float_evaluation,
    "evaluation of the float network",
    fields::formerly("float"));
  v("budgets", s.budgets, "as text, in the order given");
  v("allocators", s.allocators, "in the order given");
  v("rounding", s.rounding, "of the weights: nearest or gptq", fields::kOmitEmpty);
  v("rows", s.rows, "grouped by budget");
  v("means",
    s.means,
    "over the budgets, of each allocator with an answer at all of them",
    fields::kOmitEmpty);
  v("random_allocations",
    s.random_allocations,
    "number of random allocations per budget",
    fields::kCount);
  v("rank_correlation", s.rank_correlation, "one entry per metric");
  v("seconds", s.seconds, kSecondsDoc);
}

/// One allocation on the size-fidelity curve.
struct SweepPoint {
  std::vector<int> weight_bits;
  double average_bits = 0;
  std::int64_t bytes = 0;
  double gbops = 0;
  double predicted_loss = 0;
  double gap = 0;
  double divergence = 0;
  std::optional<double> quality;
};

template <typename Visitor, fields::Of<SweepPoint> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("SweepPoint", "One allocation on the size-fidelity curve.");
  v("bytes", s.bytes, "of the file that quantize would write", fields::kCount);
  v("average_bits", s.average_bits, "over all quantized weights", fields::kCount);
  v("gbops", s.gbops, "1e9 bit operations for one sample", fields::kCount);
  v("divergence", s.divergence, "measured on samples that the metric did not use");
  v("predicted_loss", s.predicted_loss, "");
  v("quality",
    s.quality,
    "what --eval-command printed, or evaluate= returned, for the file rounded to nearest");
  v("gap", s.gap, "upper bound of the relative gap to the best loss at this size");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
}

/// `ompq sweep`: the whole curve.
struct Sweep {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  std::string metric;
  std::string requested;
  std::string measure;
  std::string activation_bits;
  std::vector<LayerRow> layers;
  std::vector<SweepPoint> points;
  std::size_t knee = 0;
  std::optional<std::size_t> picked;
  std::optional<double> float_quality;
  StepSeconds seconds;
};

template <typename Visitor, fields::Of<Sweep> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Sweep", "Result of `ompq sweep`: the size-fidelity curve.");
  list_fields(v, s.provenance);
  v("model", s.model, "");
  v("samples", s.samples, "samples that layers were measured with");
  v("metric", s.metric, "metric that the curve was computed with");
  v("measure", s.measure, "what divergence is measured, with its unit");
  v("activation_bits", s.activation_bits, "8, 4 (inputs 8) or float");
  v("layers", s.layers, "in topological order");
  v("knee", s.knee, "index of the knee among the points");
  v("points", s.points, "from the smallest file to the largest");
  v("requested",
    s.requested,
    "the requested metric, if it cannot be measured here",
    fields::kOmitEmpty.formerly("instead_of"));
  v("picked", s.picked, "index of the point whose allocation was written");
  v("float_quality", s.float_quality, "the quality of the float network's file");
  v("seconds", s.seconds, kSecondsDoc);
}

}  // namespace ompq::report
