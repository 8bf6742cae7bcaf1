#include "ompq/ptq/quantize.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/log.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"

namespace ompq::commands {
namespace {

ptq::QuantizeOptions quantize_options(const OptionValues& options, const pipeline::Model& model) {
  ptq::QuantizeOptions quantize{
      .search = search_options(options, model),
      .calibration = calibration_options(options, model),
      .method = method_options(options),
      .tuning_samples = options.maybe_integer("tuning-samples").value_or(0),
      .output = options.text("output"),
      .delivery = delivery(options),
      .evaluation = evaluate_options(options, model),
      .explain = options.flag("explain")};
  quantize.search.form = file_form(options);
  if (options.text("for") == "auto") {
    quantize.search.compensated = quantize.method.method != "nearest";
  }
  for (const std::string& sentence : unused_by(quantize.method.method, options)) {
    log().warn("{}", sentence);
  }
  if (const auto journal = options.maybe_text("journal")) quantize.journal = *journal;
  if (const auto file = options.maybe_text("allocation")) quantize.allocation_file = *file;
  return quantize;
}

}  // namespace

report::Quantization quantize(const Context& context) {
  const OptionValues& options = context.options;
  check_outputs("quantize", options);
  const pipeline::Model model = load_model(context);
  check_outputs("quantize", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples evaluation = evaluation_samples(context, model, samples);
  ptq::QuantizeOptions quantize = quantize_options(options, model);
  quantize.announce = context.announce;
  report::Quantization result =
      ptq::quantize(model, samples, evaluation, quantize, context.progress);
  if (quantize.delivery != ptq::Delivery::CHeader) {
    keep_preprocess(options, model.file, quantize.output);
  }
  result.search.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(result));
  }
  return result;
}

}  // namespace ompq::commands
