#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/fields/declare.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/samples.h"
#include "ompq/ptq/quantize_options.h"
#include "ompq/report/results.h"

/// What `quantize` and `finetune` start from: widths, samples, activation ranges.
namespace ompq::ptq {

/// Widths per layer under the name of whoever chose them.
struct WidthPlan {
  std::string allocator;
  std::vector<int> weight_bits;
  std::int64_t bytes_promised = 0;
  std::string instead_of = {};  ///< see report::AllocationRow
};

template <typename Visitor, fields::Of<WidthPlan> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("WidthPlan", "Widths per layer under the name of whoever chose them.");
  v("allocator", s.allocator, "");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("bytes_promised", s.bytes_promised, "of the file", fields::kCount.formerly("bytes"));
  v("instead_of", s.instead_of, "see report::AllocationRow", fields::kOmitEmpty);
}

/// What was searched, or read from a file or a journal.
struct Planned {
  report::Search report;
  std::vector<WidthPlan> plans;                     ///< the chosen one first
  std::vector<std::optional<int>> activation_bits;  ///< per layer; none: float
  std::string budget;  ///< that they answer, as allocation::exact_text has it
};

/// What the widths of `plan` cost, besides the sizes of files.
[[nodiscard]] allocation::Cost cost_of(const pipeline::Model& model,
                                       const Planned& planned,
                                       const WidthPlan& plan);

/// How the file of these widths is written.
[[nodiscard]] pipeline::FileForm file_form(const QuantizeOptions& options, const Planned& planned);

/// The widths of options.allocation_file, those that the journal kept, or those of a search, which
/// the journal keeps from then on.
/// @param journal  may be null.
[[nodiscard]] Planned plan_widths(const pipeline::Model& model,
                                  pipeline::Samples& samples,
                                  const QuantizeOptions& options,
                                  pipeline::Journal* journal,
                                  const ProgressHandler& progress);

/// The calibration samples, and as many more of their source as the method wants and the evaluation
/// leaves.
[[nodiscard]] std::vector<std::int64_t> tuning_samples(const pipeline::Samples& samples,
                                                       const pipeline::Samples& evaluation,
                                                       const QuantizeOptions& options);

}  // namespace ompq::ptq
