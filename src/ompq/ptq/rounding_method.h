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
/// The same, for temporarily added rows; see added_rows.h.
[[nodiscard]] RowTable<MethodRow>& method_rows();
/// @throws ConfigError naming the nearest method.
[[nodiscard]] const MethodRow& method_row(std::string_view name);
[[nodiscard]] const EffortRow& effort_row(Effort effort);

/// True if one of the method's steps reads the option, such as "iterations".
[[nodiscard]] bool reads_option(const MethodRow& row, std::string_view option);
/// Options that some methods read and others do not.
[[nodiscard]] std::vector<std::string_view> options_of_methods();

/// Number of samples for the method.
[[nodiscard]] std::int64_t samples_wanted(const MethodOptions& options);

/// The estimated cost of a run.
/// @param forward_seconds  time of one sample in the float network.
[[nodiscard]] report::MethodCost expected_cost(const pipeline::Model& model,
                                               const MethodOptions& options,
                                               std::int64_t samples,
                                               double forward_seconds);

/// The model with channels equalized across layers; its function does not change.
[[nodiscard]] pipeline::Model equalized_model(const pipeline::Model& model,
                                              data::Dataset& dataset,
                                              const std::vector<std::int64_t>& indices,
                                              std::int64_t batch_size,
                                              const ProgressHandler& progress);

/// Computes the method's codes from those of rounding to nearest. Finished work is stored in the
/// journal: with the same arguments an interrupted run resumes and gives the same codes.
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
