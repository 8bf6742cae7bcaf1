#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "result_tables.h"

namespace ompq::app {
namespace {

/// Samples that calibration never saw: those of --eval-data, or the rest of --data.
pipeline::Samples evaluation_samples(const OptionValues& options,
                                     const pipeline::Model& model,
                                     const pipeline::Samples& calibration) {
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const auto limit = options.maybe_integer("limit");
  if (options.has("eval-data")) {
    return pipeline::draw_samples(
        model, sample_options(options, model.file, "eval-data", "test"), limit.value_or(0), seed);
  }
  constexpr std::int64_t kHeldOut = 256;
  pipeline::Samples rest = pipeline::draw_samples(
      model, sample_options(options, model.file, "data", options.text("split")), 0, seed);
  rest.indices = pipeline::held_out(calibration, limit.value_or(kHeldOut));
  rest.used.count = static_cast<std::int64_t>(rest.indices.size());
  if (rest.indices.empty()) {
    throw DataError("quantize",
                    fmt::format("all {} samples of {} are used for calibration and none is left to "
                                "measure with; give --eval-data or fewer --samples",
                                calibration.indices.size(),
                                calibration.used.source));
  }
  return rest;
}

}  // namespace

void run_quantize(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::Samples evaluation = evaluation_samples(options, model, samples);
  const auto batch = pipeline::batch_size_for(model.graph, options.integer("batch"));
  pipeline::QuantizeOptions quantize{
      .search = search_options(options, model),
      .calibration = calibration_options(options, model),
      .output = options.text("output"),
      .evaluation = {.batch_size = batch,
                     .executor = executor_options(options, runtime::Precision::Float32)}};
  quantize.search.format = options.text("format") == "float" ? onnx_io::WeightFormat::Float
                                                             : onnx_io::WeightFormat::Packed;
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
