#include "ompq/search/sweep.h"

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/commands/quality_judge.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/csv.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {
report::Sweep sweep(const Context& context) {
  const MemoryScope memory = memory_of(context, "sweep");
  const OptionValues& options = context.options;
  check_outputs("sweep", options);
  if (options.has("max-loss") && !context.judge && !options.has("eval-command")) {
    throw ConfigError("--max-loss",
                      "is a loss of quality, so give --eval-command, which measures it");
  }
  const pipeline::Model model = load_model(context);
  check_outputs("sweep", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  const search::QualityJudge judge = judge_of(context, model, "nearest");
  search::SweepOutcome outcome =
      search::sweep(model, samples, sweep_options(options, model), context.progress, judge);
  outcome.report.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(outcome.report));
  }
  if (const auto file = options.maybe_text("csv")) {
    write_file_atomically(*file, report::to_csv(outcome.report));
  }
  if (outcome.refusal) throw InfeasibleBudget(*outcome.refusal);
  if (const auto file = options.maybe_text("output")) {
    allocation::write_allocation(*file, outcome.chosen);
  }
  return outcome.report;
}

namespace {

std::string sweep_text_of(const Context& context) {
  std::string text = tables::sweep_text(sweep(context));
  if (const auto file = context.options.maybe_text("output")) {
    text += fmt::format("allocation   {}\n", display_text(*file));
  }
  return text;
}

}  // namespace

CommandRow sweep_row() { return {.name = "sweep", .json = json_of<sweep>, .text = sweep_text_of}; }

}  // namespace ompq::commands
