#include "ompq/qat/finetune.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/commands/training_options.h"
#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"

namespace ompq::commands {

report::Finetuning finetune(const Context& context) {
  const OptionValues& options = context.options;
  check_outputs("finetune", options);
  const pipeline::Model model = load_model(context);
  check_outputs("finetune", options, model.data_files);
  const graph::Graph unfolded = load_unfolded(context);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples training = training_samples(context, model);
  pipeline::Samples evaluation = validation_samples(context, model, samples);
  qat::FinetuneOptions finetune =
      finetune_options(options, model, training.dataset->images().has_value());
  finetune.on_epoch = context.on_epoch;
  report::Finetuning result =
      qat::finetune(model, unfolded, samples, training, evaluation, finetune, context.progress);
  for (const report::QuantizedRow& written : result.quantization.networks) {
    if (!written.file.empty()) keep_preprocess(options, model.file, written.file);
  }
  result.quantization.search.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(result));
  }
  return result;
}

}  // namespace ompq::commands
