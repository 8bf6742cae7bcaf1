#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ompq/commands/context.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/samples.h"

namespace ompq::commands {

// Networks and samples given by options.

/// Loads the model of the given operand or option, with --input-shape; remaining open extents are
/// set from the samples of --data.
[[nodiscard]] pipeline::Model load_model(const Context& context,
                                         std::string_view operand = "MODEL");
/// The model of MODEL, for training.
[[nodiscard]] pipeline::TrainableModel load_trainable_model(const Context& context);
/// The network whose preprocessing is used: `model`, or the float network that it is compared with.
[[nodiscard]] std::filesystem::path preprocessing_owner(const OptionValues& options,
                                                        const std::filesystem::path& model);
/// The source of option `source_name`, or arrays instead; --skip-broken, and the preprocessing: the
/// file next to `model` or --preprocess, overridden by single options.
[[nodiscard]] pipeline::SampleOptions sample_options(const Context& context,
                                                     const std::filesystem::path& model,
                                                     std::string_view source_name,
                                                     const std::string& split);
/// The file that keep_preprocess() writes; nullopt if neither a file nor an option gives any
/// preprocessing, or if it is read from that file.
[[nodiscard]] std::optional<std::filesystem::path> kept_preprocess(
    const OptionValues& options,
    const std::filesystem::path& model,
    const std::filesystem::path& output);
/// Writes the preprocessing next to a written network, to kept_preprocess().
void keep_preprocess(const OptionValues& options,
                     const std::filesystem::path& model,
                     const std::filesystem::path& output);
/// Every command calls it for every source, also if it needs no labels: labels that do not fit show
/// that the samples are not for this network.
/// @throws DataError for a label outside of the network's classes; see Dataset.
void check_labels(const pipeline::Model& model, const pipeline::Samples& samples);
/// Logs the remarks of an opened source.
void say_remarks(const pipeline::Samples& samples);
/// SearchOptions::more_samples: up to three times as many as for calibration.
/// @param evaluation  null: there is none.
[[nodiscard]] std::vector<std::int64_t> samples_for_auto(const pipeline::Samples& calibration,
                                                         const pipeline::Samples* evaluation);
/// SearchOptions::loss_samples: up to 1,000 that are neither of these nor `others`.
[[nodiscard]] std::vector<std::int64_t> samples_for_loss(const pipeline::Samples& calibration,
                                                         const pipeline::Samples* evaluation,
                                                         const std::vector<std::int64_t>& others);
/// --samples of --data in --split, drawn with --seed. If the command evaluates its result and no
/// --eval-data is given, some samples are held out.
[[nodiscard]] pipeline::Samples calibration_samples(const Context& context,
                                                    const pipeline::Model& model);
/// Held-out samples: those of --eval-data, or up to `held_out` of --data.
[[nodiscard]] pipeline::Samples evaluation_samples(const Context& context,
                                                   const pipeline::Model& model,
                                                   const pipeline::Samples& calibration,
                                                   std::int64_t held_out = 256);

}  // namespace ompq::commands
