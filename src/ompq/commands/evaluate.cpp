#include "ompq/pipeline/evaluate.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/file_quality.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/npz.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {
namespace {

/// The first --limit samples of the source.
pipeline::Samples first_samples(const Context& context, const pipeline::Model& model) {
  const OptionValues& options = context.options;
  const auto owner = preprocessing_owner(options, model.file);
  pipeline::Samples samples = pipeline::draw_samples(
      model, sample_options(context, owner, "data", options.text("split")), 0, 0);
  if (const auto limit = options.maybe_integer("limit")) {
    if (*limit < static_cast<std::int64_t>(samples.indices.size())) {
      samples.indices.resize(static_cast<std::size_t>(*limit));
    }
    samples.used.count = static_cast<std::int64_t>(samples.indices.size());
  }
  return samples;
}

/// A scalar for all samples of a pass is not per sample and depends on their number.
void require_rows_to_save(const pipeline::Model& model) {
  const graph::Value& output = model.graph.value(model.graph.outputs().front());
  if (!output.shape || !output.shape->empty()) return;
  throw DataError("--save-outputs",
                  fmt::format("the network's first output '{}' is a single number for all samples, "
                              "which cannot be saved per sample; remove the option",
                              output.name));
}

/// Checks that both take the same samples.
void require_same_inputs(const pipeline::Model& model, const pipeline::Model& reference) {
  const auto ours = pipeline::input_specs(model.graph);
  const auto theirs = pipeline::input_specs(reference.graph);
  const bool fits =
      std::ranges::equal(ours, theirs, {}, &data::InputSpec::extents, &data::InputSpec::extents);
  if (fits) return;
  const auto text = [](const std::vector<data::InputSpec>& specs) {
    std::vector<std::string> parts;
    for (const auto& spec : specs) {
      parts.push_back(fmt::format("'{}' {}", spec.name, data::extents_text(spec.extents)));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
  };
  throw ConfigError(
      "--reference",
      fmt::format(
          "'{}' takes {}, but MODEL takes {}; give the float network that MODEL was made from",
          reference.file.string(),
          text(theirs),
          text(ours)));
}

}  // namespace

report::EvaluatedNetwork evaluate(const Context& context) {
  const MemoryScope memory = memory_of(context, "eval");
  const OptionValues& options = context.options;
  check_outputs("eval", options);
  const pipeline::Model model = load_model(context);
  std::optional<pipeline::Model> reference;
  if (options.has("reference")) reference = load_model(context, "reference");
  check_outputs("eval", options, model.data_files);
  if (reference) check_outputs("eval", options, reference->data_files);
  if (reference) require_same_inputs(model, *reference);
  if (options.has("save-outputs")) require_rows_to_save(model);
  pipeline::Samples samples = first_samples(context, model);
  check_labels(model, samples);
  const std::optional<double> quality = quality_of(context, model.file);
  if (!samples.dataset->has_labels() && !reference && !options.has("save-outputs") && !quality) {
    const std::string fault = samples.dataset->label_fault();
    throw DataError("eval",
                    fmt::format("{}; give --reference FLOAT.onnx to compare with, or "
                                "--save-outputs to save the network's outputs",
                                fault.empty() ? samples.used.source + " has no labels"
                                              : "labels cannot be used: " + fault));
  }
  say_remarks(samples);
  const pipeline::EvaluateOutcome outcome =
      pipeline::evaluate(model.graph,
                         *samples.dataset,
                         samples.indices,
                         evaluate_options(options, model),
                         reference ? &reference->graph : nullptr,
                         context.progress);
  if (const auto file = options.maybe_text("save-outputs")) {
    data::write_npz(*file, {{"logits", outcome.logits}});
  }
  report::EvaluatedNetwork evaluated{.model = {model.file.string(), model.sha256, model.file_bytes},
                                     .samples = samples.used,
                                     .evaluation = outcome.evaluation};
  evaluated.evaluation.quality = quality;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(evaluated));
  }
  return evaluated;
}

namespace {

std::string eval_text_of(const Context& context) {
  return tables::evaluation_text(evaluate(context).evaluation);
}

}  // namespace

CommandRow eval_row() {
  return {.name = "eval",
          .json = json_of<evaluate>,
          .text = eval_text_of,
          .weight_copies = kCopiesWhileLoading};
}

}  // namespace ompq::commands
