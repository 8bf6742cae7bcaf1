#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "ompq/commands/context.h"
#include "ompq/graph/graph.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/samples.h"

namespace ompq::commands {

// Networks and samples, as the options name them.

/// The operand of this name, or the option, with --input-shape; extents that are then still open
/// are those of the samples of --data.
[[nodiscard]] pipeline::Model load_model(const Context& context,
                                         std::string_view operand = "MODEL");
/// The same network before its batch norms were folded.
[[nodiscard]] graph::Graph load_unfolded(const Context& context);
/// The network that preprocessing stands beside: `model` itself, or the float network that it is
/// compared with.
[[nodiscard]] std::filesystem::path preprocessing_owner(const OptionValues& options,
                                                        const std::filesystem::path& model);
/// SRC from option `source_name`, or the arrays in its place; --skip-broken, and the preprocessing:
/// the file next to `model` or --preprocess, then the single options over it.
[[nodiscard]] pipeline::SampleOptions sample_options(const Context& context,
                                                     const std::filesystem::path& model,
                                                     std::string_view source_name,
                                                     const std::string& split);
/// Puts that preprocessing next to a network that was written, so that it can be run where it lies.
/// Nothing where neither a file nor an option says any.
void keep_preprocess(const OptionValues& options,
                     const std::filesystem::path& model,
                     const std::filesystem::path& output);
/// Says what the user should know of an opened source.
void say_remarks(const pipeline::Samples& samples);
/// --samples of --data, the part that --split names, drawn with --seed. Where the command measures
/// its result and no --eval-data is given, some are left for that.
[[nodiscard]] pipeline::Samples calibration_samples(const Context& context,
                                                    const pipeline::Model& model);
/// Samples that calibration never saw: those of --eval-data, or up to `held_out` of --data. Labels
/// that the network has no class for are not used.
[[nodiscard]] pipeline::Samples evaluation_samples(const Context& context,
                                                   const pipeline::Model& model,
                                                   const pipeline::Samples& calibration,
                                                   std::int64_t held_out = 256);

}  // namespace ompq::commands
