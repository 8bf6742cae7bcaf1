#include "ompq/ptq/quantize.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/log.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/report/json.h"

namespace ompq::commands {

report::Quantization quantize(const Context& context) {
  const OptionValues& options = context.options;
  check_outputs("quantize", options);
  const pipeline::Model model = load_model(context);
  check_outputs("quantize", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples evaluation = evaluation_samples(context, model, samples);
  ptq::QuantizeOptions quantize = quantize_options(options, model);
  quantize.announce = context.announce;
  for (const std::string& sentence : unused_by(quantize.method.method, options)) {
    log().warn("{}", sentence);
  }
  report::Quantization result =
      ptq::quantize(model, samples, evaluation, quantize, context.progress);
  if (ptq::file_format(quantize.format).is_onnx) {
    keep_preprocess(options, model.file, quantize.output);
  }
  result.search.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(result));
  }
  return result;
}

}  // namespace ompq::commands
