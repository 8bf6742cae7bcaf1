#include "ompq/search/compare.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/csv.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {

report::Comparison compare(const Context& context) {
  const MemoryScope memory = memory_of(context, "compare");
  const OptionValues& options = context.options;
  check_outputs("compare", options);
  const pipeline::Model model = load_model(context);
  check_outputs("compare", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  pipeline::Samples evaluation = evaluation_samples(context, model, samples);
  search::CompareOptions compare = compare_options(options, model);
  compare.search.more_samples = samples_for_auto(samples, &evaluation);
  report::Comparison result =
      search::compare(model, samples, evaluation, compare, context.progress);
  result.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(result));
  }
  if (const auto file = options.maybe_text("csv")) {
    write_file_atomically(*file, report::to_csv(result));
  }
  return result;
}

namespace {

std::string compare_text_of(const Context& context) {
  return tables::comparison_text(compare(context));
}

}  // namespace

CommandRow compare_row() {
  return {.name = "compare", .json = json_of<compare>, .text = compare_text_of};
}

}  // namespace ompq::commands
