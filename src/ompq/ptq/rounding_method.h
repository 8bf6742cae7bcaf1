#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/core/row_table.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/ptq/method_options.h"
#include "ompq/ptq/method_rows.h"
#include "ompq/report/reconstruction.h"

namespace ompq::ptq {

[[nodiscard]] std::span<const MethodRow> method_table();
/// The same, to which a row can be added for a while; see added_rows.h.
[[nodiscard]] RowTable<MethodRow>& method_rows();
/// @throws ConfigError naming the nearest method.
[[nodiscard]] const MethodRow& method_row(std::string_view name);
[[nodiscard]] const EffortRow& effort_row(Effort effort);

/// True where one of the method's steps reads the option, such as "iterations".
[[nodiscard]] bool reads_option(const MethodRow& row, std::string_view option);
/// Options that some methods read and others do not.
[[nodiscard]] std::vector<std::string_view> options_of_methods();

/// Samples that the method wants.
[[nodiscard]] std::int64_t samples_wanted(const MethodOptions& options);

/// What a run will about cost, told before it begins.
/// @param forward_seconds  of one sample through the float network.
[[nodiscard]] report::MethodCost expected_cost(const pipeline::Model& model,
                                               const MethodOptions& options,
                                               std::int64_t samples,
                                               double forward_seconds);

/// The model with channels equalized across layers; its function stays what it was.
[[nodiscard]] pipeline::Model equalized_model(const pipeline::Model& model,
                                              data::Dataset& dataset,
                                              const std::vector<std::int64_t>& indices,
                                              std::int64_t batch_size,
                                              const ProgressHandler& progress);

/// Goes from codes of rounding to nearest to the method's own. What is finished is in the journal:
/// with the same arguments a run that was stopped goes on, and ends with the same codes.
/// @param journal  may be null.
[[nodiscard]] rounding::NetworkCodes round_network(const pipeline::Model& model,
                                                   const rounding::NetworkCodes& nearest,
                                                   data::Dataset& dataset,
                                                   const std::vector<std::int64_t>& indices,
                                                   const MethodOptions& options,
                                                   pipeline::Journal* journal,
                                                   report::Reconstruction& result,
                                                   const ProgressHandler& progress = {});

}  // namespace ompq::ptq
