#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "result_tables.h"

namespace ompq::app {

void run_compare(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::Samples evaluation = evaluation_samples(options, model, samples);
  report::Comparison result = pipeline::compare(
      model, samples, evaluation, compare_options(options, model), context.progress);
  result.provenance = context.provenance;
  const std::string json = report::to_json(result);
  if (const auto file = options.maybe_text("result")) write_file_atomically(*file, json);
  if (const auto file = options.maybe_text("csv")) {
    write_file_atomically(*file, report::to_csv(result));
  }
  fmt::print("{}", context.json() ? json : comparison_text(result));
}

}  // namespace ompq::app
