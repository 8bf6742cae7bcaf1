#pragma once

#include "ompq/commands/context.h"
#include "ompq/core/options.h"
#include "ompq/pipeline/compare.h"
#include "ompq/pipeline/quantize.h"
#include "ompq/pipeline/sweep.h"

namespace ompq::commands {

// What the commands' options mean to the pipeline. Each function reads the options of its own
// subject.

/// --threads, --device, and `precision`.
[[nodiscard]] runtime::ExecutorOptions executor_options(const OptionValues& options,
                                                        runtime::Precision precision);
/// --precision.
[[nodiscard]] runtime::Precision measuring_precision(const OptionValues& options);
/// What --format writes.
[[nodiscard]] pipeline::Delivery delivery(const OptionValues& options);
/// Form of the file that --output names, with --format and --opset.
[[nodiscard]] pipeline::FileForm file_form(const OptionValues& options);
/// Everything that decides bits.
[[nodiscard]] pipeline::SearchOptions search_options(const OptionValues& options,
                                                     const pipeline::Model& model);
/// What a latency table has rows for.
[[nodiscard]] pipeline::RequestOptions table_options(const OptionValues& options);
[[nodiscard]] pipeline::CompareOptions compare_options(const OptionValues& options,
                                                       const pipeline::Model& model);
[[nodiscard]] pipeline::SweepOptions sweep_options(const OptionValues& options,
                                                   const pipeline::Model& model);
/// --batch; in the arithmetic of the file that is measured.
[[nodiscard]] pipeline::EvaluateOptions evaluate_options(const OptionValues& options,
                                                         const pipeline::Model& model);
/// --method, --effort and what goes with them.
[[nodiscard]] pipeline::MethodOptions method_options(const OptionValues& options);
/// A sentence for each option that was given and that the method does not read.
[[nodiscard]] std::vector<std::string> unused_by(const std::string& method,
                                                 const OptionValues& options);
[[nodiscard]] tuning::WeightOptions weight_options(const OptionValues& options);
[[nodiscard]] tuning::CalibrationOptions calibration_options(const OptionValues& options,
                                                             const pipeline::Model& model);

}  // namespace ompq::commands
