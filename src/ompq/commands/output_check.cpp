#include "ompq/commands/output_check.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/command_table.h"
#include "ompq/core/error.h"
#include "ompq/core/output_files.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/delivery.h"

namespace ompq::commands {
namespace {

namespace fs = std::filesystem;

/// What stands next to the network that --output names.
void add_companions(std::string_view command,
                    const OptionValues& options,
                    std::vector<NamedFile>& written) {
  const fs::path output = options.text("output");
  written.push_back({"the external data of --output", onnx_io::data_file(output)});
  if (!options.knows("journal") || !options.has("journal")) {
    written.push_back({"the journal of --output", pipeline::journal_file(output)});
  }
  if (command == "quantize" && options.text("format") == "encodings") {
    written.push_back({"the encodings of --output", pipeline::encodings_file(output)});
  }
  if (command != "finetune") return;
  written.push_back({"the last epoch's file of --output", pipeline::last_file(output)});
  if (!options.has("checkpoint")) {
    written.push_back({"the checkpoint of --output", pipeline::checkpoint_file(output)});
  }
}

void add_paths(const OptionRecord& record,
               const OptionValues& options,
               std::vector<NamedFile>& files) {
  if (record.type != OptionType::Path || !options.has(record.name)) return;
  files.push_back({display_name(record), options.text(record.name)});
}

}  // namespace

void check_outputs(std::string_view command,
                   const OptionValues& options,
                   const std::set<fs::path>& also_read) {
  const CommandRecord* record = find_command(command);
  if (record == nullptr) {
    throw InternalError("commands", fmt::format("'{}' is no command", command));
  }
  std::vector<NamedFile> read;
  std::vector<NamedFile> written;
  for (const OptionRecord& operand : record->operands) add_paths(operand, options, read);
  for (const OptionRecord& option : record->options) {
    add_paths(option, options, option.writes ? written : read);
  }
  for (const fs::path& file : also_read) read.push_back({"a file of MODEL's weights", file});
  if (command == "quantize" || command == "finetune") add_companions(command, options, written);
  check_output_files(written, read);
}

}  // namespace ompq::commands
