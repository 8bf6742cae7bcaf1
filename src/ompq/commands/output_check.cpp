#include "ompq/commands/output_check.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "ompq/commands/command_rows.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/target_options.h"
#include "ompq/core/error.h"
#include "ompq/core/output_files.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/data/source_files.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/options/command_table.h"
#include "ompq/pipeline/companion_files.h"

namespace ompq::commands {
namespace {

namespace fs = std::filesystem;

void add_paths(const OptionRecord& record,
               const OptionValues& options,
               std::vector<NamedFile>& files) {
  if (record.type != OptionType::Path || !options.has(record.name)) return;
  files.push_back({display_name(record), options.text(record.name), record.is_folder});
}

/// Files that are read without being given: preprocessing next to a network, and external data of
/// --from.
void add_unnamed(const OptionValues& options, std::vector<NamedFile>& read) {
  for (const char* network : {"MODEL", "reference", "A", "B"}) {
    if (!options.knows(network) || !options.has(network)) continue;
    if (const auto file = data::find_preprocess(options.text(network))) {
      read.push_back({fmt::format("the preprocessing of '{}'", options.text(network)), *file});
    }
  }
  if (options.knows("from") && options.has("from")) {
    read.push_back({"the external data of --from", onnx_io::data_file(options.text("from"))});
  }
}

/// The samples in a folder.
void add_samples(const OptionValues& options,
                 const std::vector<NamedFile>& written,
                 std::vector<NamedFile>& read) {
  for (const char* source : {"data", "eval-data"}) {
    if (!options.knows(source) || !options.has(source)) continue;
    for (const NamedFile& file : written) {
      if (const auto found = data::source_file(options.text(source), file.path)) {
        read.push_back({fmt::format("a file of --{}", source), *found});
      }
    }
  }
}

}  // namespace

void add_network_companions(const OptionValues& options, std::vector<NamedFile>& written) {
  const fs::path output = options.text("output");
  written.push_back({"the external data of --output", onnx_io::data_file(output)});
  if (!options.knows("journal") || !options.has("journal")) {
    written.push_back({"the journal of --output", pipeline::journal_file(output)});
  }
  if (const auto file = kept_preprocess(options, options.text("MODEL"), output)) {
    written.push_back({"the preprocessing of --output", *file});
  }
  if (!options.knows("format")) return;
  const ptq::FormatRow& format = format_of(options);
  if (format.companion_file == nullptr) return;
  written.push_back(
      {fmt::format("the {} of --output", format.companion), format.companion_file(output)});
}

void check_outputs(std::string_view command,
                   const OptionValues& options,
                   const std::set<fs::path>& also_read) {
  const CommandRecord* record = find_command(command);
  if (record == nullptr) {
    throw InternalError("commands", fmt::format("'{}' is not a command", command));
  }
  std::vector<NamedFile> read;
  std::vector<NamedFile> written;
  for (const OptionRecord& operand : record->operands) add_paths(operand, options, read);
  for (const OptionRecord& option : record->options) {
    add_paths(option, options, option.writes ? written : read);
  }
  for (const fs::path& file : also_read) read.push_back({"a file of the network's weights", file});
  add_unnamed(options, read);
  if (const auto add = command_row(command).companions) add(options, written);
  if (also_read.empty()) add_samples(options, written, read);  // once: folders may be large
  check_output_files(written, read);
}

}  // namespace ompq::commands
