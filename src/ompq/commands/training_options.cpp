#include "ompq/commands/training_options.h"

#include <algorithm>

#include "ompq/commands/command_options.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/option_reader.h"
#include "ompq/pipeline/memory_check.h"
#include "ompq/runtime/passes.h"

namespace ompq::commands {

pipeline::Samples training_samples(const Context& context, const pipeline::Model& model) {
  const OptionValues& options = context.options;
  pipeline::Samples samples =
      pipeline::draw_samples(model,
                             sample_options(context, model.file, "data", options.text("split")),
                             options.maybe_integer("train-samples").value_or(0),
                             static_cast<std::uint64_t>(options.integer("seed")));
  check_labels(model, samples);
  return samples;
}

pipeline::Samples validation_samples(const Context& context,
                                     const pipeline::Model& model,
                                     const pipeline::Samples& calibration) {
  const auto tenth = std::max<std::int64_t>(1, calibration.dataset->size() / 10);
  return evaluation_samples(context, model, calibration, tenth);
}

qat::FinetuneOptions finetune_options(const OptionValues& options,
                                      const pipeline::Model& model,
                                      bool images) {
  auto finetune = read_bound<qat::FinetuneOptions>(options);
  compose_plan(options, model, finetune.start);
  finetune.batch_size = runtime::whole_passes(model.graph, finetune.batch_size);
  pipeline::check_training_memory(model, finetune.batch_size);
  const bool augments = images || options.given("augment");
  finetune.augmentation = augments ? options.text("augment") : std::string("none");
  return finetune;
}

}  // namespace ompq::commands
