#include "ompq/diagnosis/diff.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/tables/diagnosis_tables.h"

namespace ompq::commands {

report::Diff diff(const Context& context) {
  const MemoryScope memory = memory_of(context, "diff");
  const OptionValues& options = context.options;
  check_outputs("diff", options);
  const pipeline::Model a = load_model(context, "A");
  const pipeline::Model b = load_model(context, "B");
  check_outputs("diff", options, a.data_files);
  check_outputs("diff", options, b.data_files);
  const std::filesystem::path owner = preprocessing_owner(options, a.file);
  pipeline::Samples samples =
      pipeline::draw_samples(a,
                             sample_options(context, owner, "data", options.text("split")),
                             options.integer("samples"),
                             static_cast<std::uint64_t>(options.integer("seed")));
  check_labels(a, samples);
  say_remarks(samples);
  report::Diff diff = diagnosis::diff(a, b, samples, diff_options(options), context.progress);
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(diff));
  }
  return diff;
}

namespace {

std::string diff_text_of(const Context& context) { return tables::diff_text(diff(context)); }

}  // namespace

CommandRow diff_row() {
  return {.name = "diff",
          .json = json_of<diff>,
          .text = diff_text_of,
          .weight_copies = kCopiesWhileLoading};
}

}  // namespace ompq::commands
