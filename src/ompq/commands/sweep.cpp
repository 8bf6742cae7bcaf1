#include "ompq/search/sweep.h"

#include <cstdlib>
#include <filesystem>
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

/// Writes the network of every point and judges its file.
void judge_points(const Context& context, search::SweepOutcome& outcome) {
  const bool asked = context.judge || context.options.has("eval-command");
  if (!asked) return;
  const ScratchFolder folder;
  const Context point_context = quantize_context(context, folder);
  allocation::AllocationFile file = outcome.chosen;
  file.cost.reset();
  file.solver.reset();
  for (report::SweepPoint& point : outcome.report.points) {
    file.budget = {.bytes = point.bytes};
    for (std::size_t i = 0; i < file.layers.size(); ++i) {
      file.layers[i].weight_bits = point.weight_bits[i];
    }
    allocation::write_allocation(folder.file("bits.json"), file);
    static_cast<void>(quantize(point_context));
    point.quality = quality_of(context, folder.file("network.onnx"));
  }
}

}  // namespace

report::Sweep sweep(const Context& context) {
  const MemoryScope memory = memory_of(context, "sweep");
  const OptionValues& options = context.options;
  check_outputs("sweep", options);
  const pipeline::Model model = load_model(context);
  check_outputs("sweep", options, model.data_files);
  pipeline::Samples samples = calibration_samples(context, model);
  search::SweepOutcome outcome =
      search::sweep(model, samples, sweep_options(options, model), context.progress);
  judge_points(context, outcome);
  outcome.report.provenance = context.provenance;
  if (const auto file = options.maybe_text("result")) {
    write_file_atomically(*file, report::to_json(outcome.report));
  }
  if (const auto file = options.maybe_text("csv")) {
    write_file_atomically(*file, report::to_csv(outcome.report));
  }
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
