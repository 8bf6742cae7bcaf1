#pragma once

#include <string>
#include <vector>

#include "ompq/commands/context.h"
#include "ompq/diagnosis/diff.h"
#include "ompq/options/options.h"
#include "ompq/ptq/quantize.h"
#include "ompq/search/compare.h"
#include "ompq/search/sweep.h"

namespace ompq::commands {

// What a command's options mean to the rooms that do its work: the members that options are bound
// to (core/option_binding.h), and those that several options or the network decide.

[[nodiscard]] search::SearchOptions search_options(const OptionValues& options,
                                                   const pipeline::Model& model);
[[nodiscard]] ptq::QuantizeOptions quantize_options(const OptionValues& options,
                                                    const pipeline::Model& model);
/// The request whose combinations are the rows of a latency table.
[[nodiscard]] search::RequestOptions table_options(const OptionValues& options);
[[nodiscard]] search::CompareOptions compare_options(const OptionValues& options,
                                                     const pipeline::Model& model);
[[nodiscard]] search::SweepOptions sweep_options(const OptionValues& options,
                                                 const pipeline::Model& model);
/// Of `ompq eval`.
[[nodiscard]] pipeline::EvaluateOptions evaluate_options(const OptionValues& options,
                                                         const pipeline::Model& model);
[[nodiscard]] diagnosis::DiffOptions diff_options(const OptionValues& options);

/// Members of the search that depend on several options or on the network.
void compose_search(const OptionValues& options,
                    const pipeline::Model& model,
                    search::SearchOptions& search);
/// The same for those shared by quantize and finetune, once the method is known.
void compose_plan(const OptionValues& options,
                  const pipeline::Model& model,
                  ptq::QuantizeOptions& quantize);
/// Form of the file that --output names, with --format and --opset.
[[nodiscard]] pipeline::FileForm file_form(const OptionValues& options);
/// A sentence for each given option that the method does not use.
[[nodiscard]] std::vector<std::string> unused_by(const std::string& method,
                                                 const OptionValues& options);

}  // namespace ompq::commands
