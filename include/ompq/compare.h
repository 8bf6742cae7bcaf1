#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/errors.h"
#include "ompq/evaluate.h"
#include "ompq/search.h"

namespace ompq {

struct OMPQ_API CompareOptions : Options {
  CompareOptions();
  Samples data;
  Samples eval_data;  ///< by default held-out samples of `data`
  // At least one budget.
  std::vector<double> average_bits;      ///< `avg-bits`
  std::vector<std::int64_t> file_bytes;  ///< `size`
};

struct ComparisonRow {
  std::string budget;  ///< as text
  Allocation allocation;
  Evaluation evaluation;
};

struct Comparison {
  std::vector<ComparisonRow> rows;  ///< grouped by budget
  Evaluation float_evaluation;
  std::string json;
};

/// Evaluates every allocator at every budget: `ompq compare`.
[[nodiscard]] OMPQ_API Comparison compare(const ModelRef& model, const CompareOptions& options);

struct OMPQ_API SweepOptions : Options {
  SweepOptions();
  Samples data;
  std::optional<std::int64_t> pick;  ///< write the best allocation up to this file size
  std::filesystem::path output;      ///< bits.json of it, or of the knee; optional
};

struct SweepPoint {
  std::vector<int> weight_bits;  ///< in the order of the layers
  double average_bits = 0;
  std::int64_t bytes = 0;         ///< of the file that quantize() would write
  double divergence = 0;          ///< from the float network, measured
  std::optional<double> quality;  ///< what `eval-command` printed for its file
};

struct Sweep {
  std::vector<Layer> layers;
  std::vector<SweepPoint> points;  ///< from the smallest file to the largest
  std::size_t knee = 0;            ///< index of the point after which more bytes bring little
  std::optional<std::size_t> picked;
  std::string json;
};

/// Computes the whole curve of size against fidelity: `ompq sweep`.
[[nodiscard]] OMPQ_API Sweep sweep(const ModelRef& model, const SweepOptions& options);

}  // namespace ompq
