#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/report/results.h"

namespace ompq::report {

/// One value that two networks have in common: a layer's feature, or an output.
struct DiffRow {
  std::string layer;    ///< its name in network a; for an output, the output's
  std::string layer_b;  ///< its name in network b
  std::string op;       ///< "Conv"; "output" for a network's output
  std::string value_a;  ///< the values that were compared
  std::string value_b;
  std::string matched_by;        ///< "value name", "node name" or "order"
  std::optional<double> snr_db;  ///< 10 log10(|a|^2 / |b - a|^2); nothing without noise or signal
  std::optional<double> cosine;  ///< of a and b as vectors; nothing where one is all zero
  double largest_difference = 0;
  bool equal = false;   ///< every element, to the bit
  bool finite = true;   ///< false: a NaN or an infinity is in one of them
  bool parted = false;  ///< the SNR is below the threshold, or cannot be said for want of numbers
};

struct Diff {
  ModelFile a;
  ModelFile b;
  SamplesUsed samples;
  double threshold_db = 0;
  std::vector<DiffRow> rows;               ///< layers in a's topological order, then outputs
  std::optional<std::size_t> first_apart;  ///< the first row that has parted
  std::vector<std::string> only_in_a;      ///< layers without a partner
  std::vector<std::string> only_in_b;
  /// Share of samples for which both networks' first outputs have the same best class.
  std::optional<double> agreement;
  double seconds = 0;
};

}  // namespace ompq::report
