#pragma once

#include "ompq/commands/context.h"
#include "ompq/core/options.h"
#include "ompq/pipeline/compare.h"
#include "ompq/pipeline/quantize.h"
#include "ompq/pipeline/sweep.h"

namespace ompq::commands {

// What the commands' options mean to the pipeline. Each function reads the options of its own
// subject.

/// The operand of this name and --input-shape.
[[nodiscard]] pipeline::Model load_model(const OptionValues& options,
                                         std::string_view operand = "MODEL");
/// The same network before its batch norms were folded.
[[nodiscard]] graph::Graph load_unfolded(const OptionValues& options);
/// --threads, --device, and `precision`.
[[nodiscard]] runtime::ExecutorOptions executor_options(const OptionValues& options,
                                                        runtime::Precision precision);
/// --precision.
[[nodiscard]] runtime::Precision measuring_precision(const OptionValues& options);
/// SRC from option `source_name`, or the arrays in its place; --skip-broken, and the preprocessing:
/// the file beside `model` or --preprocess, then the single options over it.
[[nodiscard]] pipeline::SampleOptions sample_options(const Context& context,
                                                     const std::filesystem::path& model,
                                                     std::string_view source_name,
                                                     const std::string& split);
/// Puts that preprocessing beside a network that was written, so that it can be run where it lies.
/// Nothing where neither a file nor an option says any.
void keep_preprocess(const OptionValues& options,
                     const std::filesystem::path& model,
                     const std::filesystem::path& output);
/// --samples of --data, the part that --split names, drawn with --seed.
[[nodiscard]] pipeline::Samples calibration_samples(const Context& context,
                                                    const pipeline::Model& model);
/// Samples that calibration never saw: those of --eval-data, or up to `held_out` of --data.
[[nodiscard]] pipeline::Samples evaluation_samples(const Context& context,
                                                   const pipeline::Model& model,
                                                   const pipeline::Samples& calibration,
                                                   std::int64_t held_out = 256);
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
[[nodiscard]] tuning::WeightOptions weight_options(const OptionValues& options);
[[nodiscard]] tuning::CalibrationOptions calibration_options(const OptionValues& options,
                                                             const pipeline::Model& model);

}  // namespace ompq::commands
