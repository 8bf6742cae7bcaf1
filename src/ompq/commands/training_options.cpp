#include "ompq/commands/training_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/data_options.h"
#include "ompq/options/finetune_options.h"
#include "ompq/ptq/rounding_method.h"

namespace ompq::commands {
namespace {

constexpr double kSgdRate = 0.0005;
constexpr double kAdamRate = 0.00001;
constexpr double kMicrosecondsPerSecond = 1e6;

double distillation_share(const OptionValues& options) {
  return options.maybe_number("distill").value_or(options.flag("float") ? 0.0 : 1.0);
}

/// Statistics of batches waver with weights that jump between few levels.
std::string norm_mode(const OptionValues& options) {
  return options.maybe_text("norms").value_or(options.flag("float") ? "trained" : "frozen");
}

training::TrainerOptions trainer_options(const OptionValues& options) {
  training::TrainerOptions trainer;
  const bool frozen = norm_mode(options) == "frozen";
  trainer.network = {.norms = frozen ? training::NormMode::Frozen : training::NormMode::Trained,
                     .precision = measuring_precision(options)};
  trainer.optimizer.name = options.text("optimizer");
  trainer.optimizer.rate =
      options.maybe_number("lr").value_or(trainer.optimizer.name == "sgd" ? kSgdRate : kAdamRate);
  trainer.optimizer.momentum = options.number("momentum");
  trainer.optimizer.nesterov = options.flag("nesterov");
  trainer.optimizer.weight_decay = options.number("weight-decay");
  trainer.optimizer.clip_norm = options.number("clip-norm");
  trainer.schedule.name = options.text("schedule");
  trainer.loss = {.label_smoothing = options.number("label-smoothing"),
                  .distillation = distillation_share(options),
                  .temperature = options.number("temperature")};
  trainer.accumulation = options.integer("accumulate");
  trainer.average_decay = options.number("average");
  trainer.threads = static_cast<int>(options.integer("threads"));
  return trainer;
}

/// What the user gave or left to the default, as one would write it.
std::string value_text(const OptionValues& options, const OptionRecord& record) {
  switch (record.type) {
    case OptionType::Flag:
      return options.flag(record.name) ? "yes" : "no";
    case OptionType::Integer:
    case OptionType::ByteCount:
      return options.has(record.name) ? std::to_string(options.integer(record.name)) : "none";
    case OptionType::Number:
    case OptionType::Duration:
      return options.has(record.name) ? fmt::format("{}", options.number(record.name)) : "default";
    default:
      return options.has(record.name) ? options.text(record.name) : "none";
  }
}

/// Every choice that changes what comes out.
std::vector<std::pair<std::string, std::string>> named_choices(
    const OptionValues& options, const training::TrainerOptions& trainer) {
  std::vector<std::pair<std::string, std::string>> named;
  const auto add = [&](const OptionRecord& record) {
    named.emplace_back(fmt::format("--{}", record.name), value_text(options, record));
  };
  add(options::kFloatTraining);
  for (const OptionRecord& record : options::kTraining) {
    const bool harmless = record.name == "cache" || record.name == "checkpoint-every";
    const bool derived = record.name == "lr" || record.name == "distill" || record.name == "norms";
    if (!harmless && !derived) add(record);
  }
  named.emplace_back("--lr", fmt::format("{}", trainer.optimizer.rate));
  named.emplace_back("--norms", norm_mode(options));
  named.emplace_back("--distill", fmt::format("{}", trainer.loss.distillation));
  named.emplace_back("--precision", options.text("precision"));
  named.emplace_back("--batch", std::to_string(options.integer("batch")));
  named.emplace_back("--seed", std::to_string(options.integer("seed")));
  named.emplace_back("--format", options.text("format"));
  if (const auto opset = options.maybe_integer("opset")) {
    named.emplace_back("--opset", std::to_string(*opset));
  }
  return named;
}

ptq::QuantizeOptions start_options(const OptionValues& options, const pipeline::Model& model) {
  ptq::QuantizeOptions start{.search = search_options(options, model),
                             .calibration = calibration_options(options, model),
                             .output = options.text("output"),
                             .evaluation = evaluate_options(options, model)};
  start.search.form = file_form(options);
  start.method.method = options.text("start");
  start.method.seed = static_cast<std::uint64_t>(options.integer("seed"));
  start.method.threads = static_cast<int>(options.integer("threads"));
  if (options.text("for") == "auto") {
    start.search.compensated = !ptq::method_row(start.method.method).is_plain();
  }
  if (const auto file = options.maybe_text("allocation")) start.allocation_file = *file;
  return start;
}

}  // namespace

pipeline::Samples training_samples(const Context& context, const pipeline::Model& model) {
  const OptionValues& options = context.options;
  return pipeline::draw_samples(model,
                                sample_options(context, model.file, "data", options.text("split")),
                                options.maybe_integer("train-samples").value_or(0),
                                static_cast<std::uint64_t>(options.integer("seed")));
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
  qat::FinetuneOptions finetune{.start = start_options(options, model),
                                .float_network = options.flag("float"),
                                .trainer = trainer_options(options)};
  finetune.norms_reestimated = norm_mode(options) == "reestimated";
  finetune.quantizer = options.text("quantizer");
  finetune.epochs = options.integer("epochs");
  finetune.warmup_epochs = options.number("warmup");
  finetune.batch_size = pipeline::batch_size_for(model.graph, options.integer("batch"));
  finetune.augmentation =
      images || options.given("augment") ? options.text("augment") : std::string("none");
  finetune.cache_bytes = options.integer("cache");
  finetune.patience = options.maybe_integer("patience");
  finetune.seed = static_cast<std::uint64_t>(options.integer("seed"));
  finetune.checkpoint_seconds = options.number("checkpoint-every") / kMicrosecondsPerSecond;
  if (const auto file = options.maybe_text("from")) finetune.from = *file;
  if (const auto file = options.maybe_text("checkpoint")) finetune.checkpoint = *file;
  if (const auto file = options.maybe_text("log")) finetune.log = *file;
  if (const auto folder = options.maybe_text("tensorboard")) finetune.tensorboard = *folder;
  finetune.named = named_choices(options, finetune.trainer);
  return finetune;
}

}  // namespace ompq::commands
