#include "ompq/ptq/quantize.h"

#include <optional>

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/file_quality.h"
#include "ompq/commands/output_check.h"
#include "ompq/commands/quality_judge.h"
#include "ompq/commands/target_options.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/byte_count.h"
#include "ompq/core/display_text.h"
#include "ompq/core/log.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/report/json.h"
#include "ompq/tables/diagnosis_tables.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {

report::Quantization quantize(const Context& context) {
  const MemoryScope memory = memory_of(context, "quantize");
  const OptionValues& options = context.options;
  check_outputs("quantize", options);
  const pipeline::Model model = load_model(context);
  check_outputs("quantize", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples evaluation = evaluation_samples(context, model, samples);
  ptq::QuantizeOptions quantize = quantize_options(options, model);
  quantize.search.more_samples = samples_for_auto(samples, &evaluation);
  if (quantize.search.max_loss) {
    const bool plain = ptq::method_row(quantize.method.method).is_plain();
    quantize.search.judge = judge_of(context, model, plain ? "nearest" : "gptq");
    if (quantize.search.judge.quality_of) {
      quantize.search.judged_by =
          fmt::format("{} {}",
                      options.maybe_text("eval-command").value_or("a function"),
                      quantize.search.judge.float_quality);
    } else {
      quantize.search.loss_samples =
          samples_for_loss(samples, &evaluation, quantize.search.more_samples);
    }
  }
  quantize.announce = context.announce;
  for (const std::string& sentence : unused_by(quantize.method.method, options)) {
    log().warn("{}", sentence);
  }
  report::Quantization result =
      ptq::quantize(model, samples, evaluation, quantize, context.progress);
  if (ptq::file_format(quantize.format).is_onnx) {
    keep_preprocess(options, model.file, quantize.output);
  }
  const bool judged = static_cast<bool>(quantize.search.judge.quality_of);
  result.float_evaluation.quality =
      judged ? std::optional(quantize.search.judge.float_quality) : quality_of(context, model.file);
  result.networks.front().evaluation.quality = quality_of(context, quantize.output);
  result.search.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(result));
  }
  return result;
}

namespace {

/// A line with the estimated cost.
std::string cost_text(const report::MethodCost& cost) {
  const std::string search =
      cost.search_seconds > 0 ? fmt::format("search: up to {:.0f} s; ", cost.search_seconds) : "";
  return fmt::format("{}{} with {} samples: about {:.0f} s and {} of cached activations\n",
                     search,
                     cost.method,
                     cost.samples,
                     cost.seconds,
                     format_bytes(cost.memory_bytes));
}

std::string quantize_text_of(const Context& context) {
  const OptionValues& options = context.options;
  Context work = context;
  if (context.say) {
    work.announce = [&](const report::MethodCost& cost) { context.say(cost_text(cost)); };
  }
  const report::Quantization result = quantize(work);
  std::string text = tables::quantization_text(result);
  if (result.diagnosis) text += tables::diagnosis_text(*result.diagnosis) + "\n";
  if (const auto quality = result.networks.front().evaluation.quality) {
    text += fmt::format(
        "quality      {:g} (float {:g})\n", *quality, result.float_evaluation.quality.value_or(0));
  }
  const std::string& output = options.text("output");
  text += fmt::format("network      {}\n", display_text(output));
  const ptq::FormatRow& format = format_of(options);
  if (format.companion_file != nullptr) {
    text += fmt::format(
        "{:<12} {}\n", format.companion, display_text(format.companion_file(output).string()));
  }
  if (const auto file = options.maybe_text("result")) {
    text += fmt::format("JSON result  {}\n", display_text(*file));
  }
  return text;
}

}  // namespace

CommandRow quantize_row() {
  return {.name = "quantize",
          .json = json_of<quantize>,
          .text = quantize_text_of,
          .companions = add_network_companions};
}

}  // namespace ompq::commands
