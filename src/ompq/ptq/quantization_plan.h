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

/// The plan of `quantize` and `finetune`: widths, samples, activation ranges.
namespace ompq::ptq {

/// Widths per layer with the name of their allocator.
struct WidthPlan {
  std::string allocator;
  std::vector<int> weight_bits;
  std::int64_t bytes_promised = 0;
  std::string requested = {};  ///< see report::AllocationRow
};

template <typename Visitor, fields::Of<WidthPlan> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("WidthPlan", "Widths per layer, with the allocator that chose them.");
  v("allocator", s.allocator, "");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("bytes_promised", s.bytes_promised, "size of the file", fields::kCount.formerly("bytes"));
  v("requested",
    s.requested,
    "see report::AllocationRow",
    fields::kOmitEmpty.formerly("instead_of"));
}

/// Widths from a search, a file or a journal.
struct Planned {
  report::Search report;
  std::vector<WidthPlan> plans;                     ///< the chosen one first
  std::vector<std::optional<int>> activation_bits;  ///< per layer; nullopt: float
  std::string budget;                               ///< of the widths, from allocation::exact_text
  std::optional<std::int64_t> found_bytes;          ///< by --max-loss
};

/// Widths per layer; kFloatBits: float.
[[nodiscard]] std::vector<int> activation_widths(const Planned& planned);

/// The cost of the widths of `plan`, without file sizes.
[[nodiscard]] allocation::Cost cost_of(const pipeline::Model& model,
                                       const Planned& planned,
                                       const WidthPlan& plan);

/// The options for writing the file with these widths.
[[nodiscard]] pipeline::FileForm file_form(const QuantizeOptions& options, const Planned& planned);

/// Before any work: @throws DataError, ConfigError, FileError if options.allocation_file cannot be
/// read, or does not fit the network or the target.
void check_allocation_file(const pipeline::Model& model, const QuantizeOptions& options);

/// The widths of options.allocation_file, of the journal, or of a search, which are then stored in
/// the journal.
/// @param journal  may be null.
[[nodiscard]] Planned plan_widths(const pipeline::Model& model,
                                  pipeline::Samples& samples,
                                  const QuantizeOptions& options,
                                  pipeline::Journal* journal,
                                  const ProgressHandler& progress);

/// The calibration samples, and further samples of the same source for the method, as far as they
/// are not used for evaluation, drawn at random.
[[nodiscard]] std::vector<std::int64_t> tuning_samples(const pipeline::Samples& samples,
                                                       const pipeline::Samples& evaluation,
                                                       const QuantizeOptions& options);

}  // namespace ompq::ptq
