#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "training_options.h"
#include "training_tables.h"

namespace ompq::app {

void run_finetune(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  const graph::Graph unfolded = load_unfolded(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::Samples training = training_samples(options, model);
  pipeline::Samples evaluation = validation_samples(options, model, samples);
  pipeline::FinetuneOptions finetune =
      finetune_options(options, model, training.dataset->images().has_value());
  bool headed = false;
  if (!context.json()) {
    finetune.on_epoch = [&](const report::EpochRecord& record) {
      context.say((headed ? "" : epoch_heading()) + epoch_line(record));
      headed = true;
    };
  }
  report::Finetuning result = pipeline::finetune(
      model, unfolded, samples, training, evaluation, finetune, context.progress);
  result.quantization.search.provenance = context.provenance;
  const std::string json = report::to_json(result);
  const auto result_file = options.maybe_text("result");
  if (result_file) write_file_atomically(*result_file, json);
  fmt::print("{}", context.json() ? json : finetuning_text(result));
  if (context.json()) return;
  fmt::print("network      {}\n", finetune.start.output.string());
  if (result_file) fmt::print("JSON result  {}\n", *result_file);
}

}  // namespace ompq::app
