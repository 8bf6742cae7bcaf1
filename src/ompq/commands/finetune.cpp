#include "ompq/qat/finetune.h"

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/commands/training_options.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/tables/training_tables.h"

namespace ompq::commands {

report::Finetuning finetune(const Context& context) {
  const MemoryScope memory = memory_of(context, "finetune");
  const OptionValues& options = context.options;
  check_outputs("finetune", options);
  const auto [model, unfolded] = load_trainable_model(context);
  check_outputs("finetune", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples training = training_samples(context, model);
  pipeline::Samples evaluation = validation_samples(context, model, samples);
  qat::FinetuneOptions finetune =
      finetune_options(options, model, training.dataset->images().has_value());
  finetune.start.search.more_samples = samples_for_auto(samples, &evaluation);
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

namespace {

std::string finetune_text_of(const Context& context) {
  const OptionValues& options = context.options;
  Context work = context;
  bool headed = false;
  if (context.say) {
    work.on_epoch = [&](const report::EpochRecord& record) {
      context.say((headed ? "" : tables::epoch_heading()) + tables::epoch_line(record));
      headed = true;
    };
  }
  std::string text = tables::finetuning_text(finetune(work));
  text += fmt::format("network      {}\n", display_text(options.text("output")));
  if (const auto file = options.maybe_text("result")) {
    text += fmt::format("JSON result  {}\n", display_text(*file));
  }
  return text;
}

void finetune_companions(const OptionValues& options, std::vector<NamedFile>& written) {
  add_network_companions(options, written);
  const std::filesystem::path output = options.text("output");
  written.push_back({"the last epoch's file of --output", pipeline::last_file(output)});
  if (!options.has("checkpoint")) {
    written.push_back({"the checkpoint of --output", pipeline::checkpoint_file(output)});
  }
}

}  // namespace

CommandRow finetune_row() {
  return {.name = "finetune",
          .json = json_of<finetune>,
          .text = finetune_text_of,
          .companions = finetune_companions};
}

}  // namespace ompq::commands
