#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "result_tables.h"

namespace ompq::app {
void run_quantize(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::Samples evaluation = evaluation_samples(options, model, samples);
  pipeline::QuantizeOptions quantize{
      .search = search_options(options, model),
      .calibration = calibration_options(options, model),
      .method = method_options(options),
      .tuning_samples = options.maybe_integer("tuning-samples").value_or(0),
      .output = options.text("output"),
      .evaluation = evaluate_options(options, model)};
  quantize.search.format = options.text("format") == "float" ? onnx_io::WeightFormat::Float
                                                             : onnx_io::WeightFormat::Packed;
  if (options.text("for") == "auto") {
    quantize.search.compensated = quantize.method.method != "nearest";
  }
  if (const auto journal = options.maybe_text("journal")) quantize.journal = *journal;
  if (const auto file = options.maybe_text("allocation")) quantize.allocation_file = *file;
  const report::Quantization result =
      pipeline::quantize(model, samples, evaluation, quantize, context.progress);
  const std::string json = report::to_json(result);
  const auto result_file = options.maybe_text("result");
  if (result_file) write_file_atomically(*result_file, json);
  fmt::print("{}", context.json() ? json : quantization_text(result));
  if (context.json()) return;
  fmt::print("network      {}\n", quantize.output.string());
  if (result_file) fmt::print("JSON result  {}\n", *result_file);
}

}  // namespace ompq::app
