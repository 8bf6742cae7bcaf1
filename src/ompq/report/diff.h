#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// A common value of two networks: a layer's feature, or an output.
struct DiffRow {
  std::string layer;
  std::string layer_b;
  std::string op_type;
  std::string value_a;
  std::string value_b;
  std::string matched_by;
  std::optional<double> snr_db;
  std::optional<double> cosine;
  double largest_difference = 0;
  bool equal = false;
  bool finite = true;
  bool diverged = false;
};

template <typename Visitor, fields::Of<DiffRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("DiffRow", "One value that two networks have in common: a layer's feature, or an output.");
  v("layer", s.layer, "its name in network a; for an output, the output's name");
  v("layer_b", s.layer_b, "its name in network b");
  v("op_type",
    s.op_type,
    "operator type of the layer's ONNX node; \"output\" for a network's output",
    fields::formerly("operator"));
  v("value_a", s.value_a, "the value of network a that was compared");
  v("value_b", s.value_b, "the value of network b");
  v("matched_by", s.matched_by, "how the two were matched: value name, node name or order");
  v("equal", s.equal, "all elements are bitwise equal");
  v("finite", s.finite, "false if one of them contains NaN or infinity");
  v("diverged",
    s.diverged,
    "the SNR is below the threshold, or cannot be computed",
    fields::formerly("parted"));
  v("snr_db", s.snr_db, "10 log10(|a|^2 / |b - a|^2); none without noise or signal");
  v("cosine", s.cosine, "cosine similarity of a and b as vectors; none if one is all zero");
  v("largest_difference", s.largest_difference, "");
}

/// `ompq diff`: two networks layer by layer.
struct Diff {
  ModelFile a;
  ModelFile b;
  SamplesUsed samples;
  double threshold_db = 0;
  std::vector<DiffRow> rows;
  std::vector<std::string> only_in_a;
  std::vector<std::string> only_in_b;
  std::optional<double> agreement;
  double seconds = 0;
};

/// The first row whose `diverged` is true; null if there is none.
[[nodiscard]] inline const DiffRow* first_diverged(const Diff& diff) {
  const auto row = std::ranges::find_if(diff.rows, &DiffRow::diverged);
  return row == diff.rows.end() ? nullptr : &*row;
}

template <typename Visitor, fields::Of<Diff> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Diff", "Result of `ompq diff`: two networks compared layer by layer.");
  v("a", s.a, "");
  v("b", s.b, "");
  v("samples", s.samples, "");
  v("threshold_db", s.threshold_db, "SNR below which a row counts as diverged");
  const auto first_layer = [&] {
    const DiffRow* row = first_diverged(s);
    return row == nullptr ? std::nullopt : std::optional(row->layer);
  };
  v.computed("first_diverged", first_layer, "layer of the first row that diverged", "first_apart");
  v("agreement",
    s.agreement,
    "share of samples, 0..1, for which both first outputs have the same best class",
    fields::kShare);
  v("rows", s.rows, "layers in a's topological order, then outputs");
  v("only_in_a", s.only_in_a, "layers without a match in the other network");
  v("only_in_b", s.only_in_b, "layers without a match in the other network");
  v("seconds", s.seconds, "", fields::kCount);
}

}  // namespace ompq::report
