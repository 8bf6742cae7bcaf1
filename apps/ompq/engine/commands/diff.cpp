#include "ompq/pipeline/diff.h"

#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "diagnosis_tables.h"
#include "ompq/core/atomic_file.h"

namespace ompq::app {

void run_diff(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model a = load_model(options, "A");
  const pipeline::Model b = load_model(options, "B");
  // The preprocessing stands beside either of them.
  const std::filesystem::path& owner = data::find_preprocess(a.file) ? a.file : b.file;
  pipeline::Samples samples =
      pipeline::draw_samples(a,
                             sample_options(options, owner, "data", options.text("split")),
                             options.integer("samples"),
                             static_cast<std::uint64_t>(options.integer("seed")));
  const report::Diff diff =
      pipeline::diff(a,
                     b,
                     samples,
                     {.threshold_db = options.number("snr"),
                      .batch_size = options.integer("batch"),
                      .executor = executor_options(options, measuring_precision(options))},
                     context.progress);
  const std::string json = report::to_json(diff);
  if (const auto file = options.maybe_text("result")) write_file_atomically(*file, json);
  fmt::print("{}", context.json() ? json : diff_text(diff));
}

}  // namespace ompq::app
