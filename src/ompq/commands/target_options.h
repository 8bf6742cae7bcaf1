#pragma once

#include "ompq/options/options.h"
#include "ompq/pipeline/model.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/search/request_options.h"
#include "ompq/targets/target_table.h"

namespace ompq::commands {

// What --target means for other options.

/// The row of --target; the default one for commands without it.
[[nodiscard]] const targets::TargetRow& target_of(const OptionValues& options);

/// The row of --format: if it is not given, qdq for targets whose converters need plain files.
/// @throws ConfigError for packed or float files that the target does not read.
[[nodiscard]] const ptq::FormatRow& format_of(const OptionValues& options);

/// Leaves activations in float for targets of weights only.
/// @throws ConfigError for widths of activations that the target does not support.
void fit_activations(const OptionValues& options, search::RequestOptions& request);

/// @throws ConfigError if the target does not read the opset that the file of `model` would have.
void check_target_opset(const OptionValues& options, const pipeline::Model& model);

}  // namespace ompq::commands
