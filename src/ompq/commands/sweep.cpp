#include "ompq/search/sweep.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/file_quality.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/csv.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {
namespace {

namespace fs = std::filesystem;

/// A new folder, removed at the end of its lifetime.
class ScratchFolder {
 public:
  ScratchFolder() : path_((fs::temp_directory_path() / "ompq-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw FileError(path_, "cannot be created; set TMPDIR to a folder with space");
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string file(const char* name) const {
    return (fs::path(path_) / name).string();
  }

 private:
  std::string path_;
};

/// `quantize`, to nearest, with the options that it shares with `sweep`.
Context quantize_context(const Context& context, const ScratchFolder& folder) {
  const std::vector<OptionRecord> records = all_records(*find_command("quantize"));
  Context point{.options = OptionValues::defaults(records),
                .arrays = context.arrays,
                .progress = context.progress};
  for (const OptionRecord& record : records) {
    // Widths are in the allocation; what else is left out names the sweep's own outputs.
    static const std::set<std::string_view> own{
        "output", "result", "eval-command", "candidates", "pin", "exclude", "first-last"};
    const bool shared = context.options.knows(record.name) && !own.contains(record.name);
    if (shared && context.options.given(record.name)) {
      point.options.take(context.options, record.name);
    }
  }
  point.options.set("allocation", folder.file("bits.json"));
  point.options.set("output", folder.file("network.onnx"));
  point.options.set("method", std::string("nearest"));
  point.options.set("beside", std::vector<std::string>{"none"});
  point.options.apply_conditional_fallbacks(records);
  return point;
}

/// Judges the file that `quantize` writes for each point.
search::QualityJudge judge_of(const Context& context, const pipeline::Model& model) {
  const std::optional<double> float_quality = quality_of(context, model.file);
  if (!float_quality) return {};
  const auto folder = std::make_shared<ScratchFolder>();
  const auto point = std::make_shared<Context>(quantize_context(context, *folder));
  return {.float_quality = *float_quality,
          .quality_of = [&context, folder, point](const allocation::AllocationFile& file) {
            allocation::write_allocation(folder->file("bits.json"), file);
            static_cast<void>(quantize(*point));
            return quality_of(context, folder->file("network.onnx")).value();
          }};
}

}  // namespace

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
  const search::QualityJudge judge = judge_of(context, model);
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
