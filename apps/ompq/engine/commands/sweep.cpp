#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "result_tables.h"

namespace ompq::app {

void run_sweep(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::SweepOutcome outcome =
      pipeline::sweep(model, samples, sweep_options(options, model), context.progress);
  outcome.report.provenance = context.provenance;
  const std::string json = report::to_json(outcome.report);
  if (const auto file = options.maybe_text("result")) write_file_atomically(*file, json);
  if (const auto file = options.maybe_text("csv")) {
    write_file_atomically(*file, report::to_csv(outcome.report));
  }
  const auto output = options.maybe_text("output");
  if (output) allocation::write_allocation(*output, outcome.chosen);
  fmt::print("{}", context.json() ? json : sweep_text(outcome.report));
  if (output && !context.json()) fmt::print("allocation   {}\n", *output);
}

}  // namespace ompq::app
