#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "diagnosis_tables.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/byte_count.h"
#include "result_tables.h"

namespace ompq::app {
namespace {

/// Says on standard error what is to come.
std::function<void(const report::MethodCost&)> announcement(const OptionValues& options) {
  const std::string method = method_options(options).method;
  return [method](const report::MethodCost& cost) {
    const std::string search =
        cost.search_seconds > 0 ? fmt::format("search: up to {:.0f} s; ", cost.search_seconds) : "";
    fmt::print(stderr,
               "{}{} with {} samples: about {:.0f} s and {} of cached activations\n",
               search,
               method,
               cost.samples,
               cost.seconds,
               format_bytes(cost.memory_bytes));
  };
}

}  // namespace

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
      .evaluation = evaluate_options(options, model),
      .explain = options.flag("explain")};
  if (!context.json() && !options.flag("quiet")) quantize.announce = announcement(options);
  quantize.search.form = file_form(options);
  if (options.text("format") == "encodings") quantize.delivery = pipeline::Delivery::Encodings;
  if (options.text("format") == "c-header") quantize.delivery = pipeline::Delivery::CHeader;
  if (options.text("for") == "auto") {
    quantize.search.compensated = quantize.method.method != "nearest";
  }
  if (const auto journal = options.maybe_text("journal")) quantize.journal = *journal;
  if (const auto file = options.maybe_text("allocation")) quantize.allocation_file = *file;
  report::Quantization result =
      pipeline::quantize(model, samples, evaluation, quantize, context.progress);
  result.search.provenance = context.provenance;
  const std::string json = report::to_json(result);
  const auto result_file = options.maybe_text("result");
  if (result_file) write_file_atomically(*result_file, json);
  fmt::print("{}", context.json() ? json : quantization_text(result));
  if (context.json()) return;
  if (result.diagnosis) fmt::print("{}\n", diagnosis_text(*result.diagnosis));
  fmt::print("network      {}\n", quantize.output.string());
  if (quantize.delivery == pipeline::Delivery::Encodings) {
    fmt::print("encodings    {}\n", pipeline::encodings_file(quantize.output).string());
  }
  if (result_file) fmt::print("JSON result  {}\n", *result_file);
}

}  // namespace ompq::app
