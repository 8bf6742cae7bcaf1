#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "ompq/data/npz.h"
#include "result_tables.h"

namespace ompq::app {
namespace {

/// The preprocessing stands beside the network itself, or beside the float network it is compared
/// with.
std::filesystem::path preprocessing_owner(const OptionValues& options,
                                          const std::filesystem::path& model) {
  const auto reference = options.maybe_text("reference");
  if (data::find_preprocess(model) || !reference) return model;
  return *reference;
}

}  // namespace

void run_eval(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  std::optional<pipeline::Model> reference;
  if (const auto file = options.maybe_text("reference")) reference = pipeline::load_model(*file);
  pipeline::Samples samples = pipeline::draw_samples(
      model,
      sample_options(
          options, preprocessing_owner(options, model.file), "data", options.text("split")),
      0,
      0);
  if (const auto limit = options.maybe_integer("limit")) {
    if (*limit < static_cast<std::int64_t>(samples.indices.size())) {
      samples.indices.resize(static_cast<std::size_t>(*limit));
    }
    samples.used.count = static_cast<std::int64_t>(samples.indices.size());
  }
  if (!samples.dataset->has_labels() && !reference && !options.has("save-outputs")) {
    throw DataError("eval",
                    fmt::format("{} has no labels; give --reference FLOAT.onnx to compare with, or "
                                "--save-outputs to keep what the network says",
                                samples.used.source));
  }
  const pipeline::EvaluateOutcome outcome = pipeline::evaluate(
      model.graph,
      *samples.dataset,
      samples.indices,
      {.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch")),
       .executor = executor_options(options, measuring_precision(options)),
       .keep_outputs = options.has("save-outputs")},
      reference ? &reference->graph : nullptr,
      context.progress);
  if (const auto file = options.maybe_text("save-outputs")) {
    data::write_npz(*file, {{"logits", outcome.logits}});
  }
  const std::string json = report::to_json(
      {model.file.string(), model.sha256, model.file_bytes}, samples.used, outcome.evaluation);
  if (const auto file = options.maybe_text("result")) write_file_atomically(*file, json);
  fmt::print("{}", context.json() ? json : evaluation_text(outcome.evaluation));
}

}  // namespace ompq::app
