#pragma once

#include "ompq/commands/context.h"
#include "ompq/options/options.h"
#include "ompq/ptq/quantize.h"
#include "ompq/search/compare.h"
#include "ompq/search/sweep.h"

namespace ompq::commands {

// What the commands' options mean to the pipeline. Each function reads the options of its own
// subject.

/// --threads, --device, and `precision`.
[[nodiscard]] runtime::ExecutorOptions executor_options(const OptionValues& options,
                                                        runtime::Precision precision);
/// --precision.
[[nodiscard]] runtime::Precision measuring_precision(const OptionValues& options);
/// Form of the file that --output names, with --format and --opset.
[[nodiscard]] pipeline::FileForm file_form(const OptionValues& options);
/// Everything that decides bits.
[[nodiscard]] search::SearchOptions search_options(const OptionValues& options,
                                                   const pipeline::Model& model);
/// All options of quantize.
[[nodiscard]] ptq::QuantizeOptions quantize_options(const OptionValues& options,
                                                    const pipeline::Model& model);
/// What a latency table has rows for.
[[nodiscard]] search::RequestOptions table_options(const OptionValues& options);
[[nodiscard]] search::CompareOptions compare_options(const OptionValues& options,
                                                     const pipeline::Model& model);
[[nodiscard]] search::SweepOptions sweep_options(const OptionValues& options,
                                                 const pipeline::Model& model);
/// --batch; in the arithmetic of the file that is measured.
[[nodiscard]] pipeline::EvaluateOptions evaluate_options(const OptionValues& options,
                                                         const pipeline::Model& model);
/// --method, --effort and what goes with them.
[[nodiscard]] ptq::MethodOptions method_options(const OptionValues& options);
/// A sentence for each option that was given and that the method does not read.
[[nodiscard]] std::vector<std::string> unused_by(const std::string& method,
                                                 const OptionValues& options);
[[nodiscard]] rounding::WeightOptions weight_options(const OptionValues& options);
[[nodiscard]] rounding::CalibrationOptions calibration_options(const OptionValues& options,
                                                               const pipeline::Model& model);

}  // namespace ompq::commands
