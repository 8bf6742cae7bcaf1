#include "ompq/search/search.h"

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {

report::Search search(const Context& context) {
  const MemoryScope memory = memory_of(context, "search");
  const OptionValues& options = context.options;
  check_outputs("search", options);
  const pipeline::Model model = load_model(context);
  check_outputs("search", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  search::SearchOptions search = search_options(options, model);
  search.more_samples = samples_for_auto(samples, nullptr);
  if (search.max_loss) {
    search.loss_samples = samples_for_loss(samples, nullptr, search.more_samples);
  }
  search::SearchOutcome outcome = search::search(model, samples, search, context.progress);
  outcome.report.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(outcome.report));
  }
  if (const auto file = options.maybe_text("output")) {
    allocation::write_allocation(*file, outcome.chosen);
  }
  return outcome.report;
}

namespace {

std::string search_text_of(const Context& context) {
  const OptionValues& options = context.options;
  std::string text = tables::search_text(search(context));
  if (const auto file = options.maybe_text("output")) {
    text += fmt::format("allocation   {}\n", display_text(*file));
    text += fmt::format("next: ompq quantize {} --data {} --allocation {} -o small.onnx\n",
                        display_text(options.text("MODEL")),
                        display_text(options.text("data")),
                        display_text(*file));
  }
  return text;
}

}  // namespace

CommandRow search_row() {
  return {.name = "search", .json = json_of<search>, .text = search_text_of};
}

}  // namespace ompq::commands
