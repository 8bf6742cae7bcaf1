#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "result_tables.h"

namespace ompq::app {

void run_search(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  pipeline::Samples samples = calibration_samples(options, model);
  pipeline::SearchOutcome outcome =
      pipeline::search(model, samples, search_options(options, model), context.progress);
  outcome.report.provenance = context.provenance;
  const std::string json = report::to_json(outcome.report);
  if (const auto file = options.maybe_text("result")) write_file_atomically(*file, json);
  if (const auto file = options.maybe_text("output")) {
    allocation::write_allocation(*file, outcome.chosen);
  }
  fmt::print("{}", context.json() ? json : search_text(outcome.report));
  if (context.json()) return;
  if (const auto file = options.maybe_text("output")) {
    fmt::print("allocation   {}\n", *file);
    fmt::print("next: ompq quantize {} --data {} --allocation {} -o small.onnx\n",
               model.file.string(),
               options.text("data"),
               *file);
  }
}

}  // namespace ompq::app
