#include "ompq/commands/command_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/commands/commands.h"
#include "ompq/core/error.h"

namespace ompq::commands {

// Each in the file of its command.
CommandRow inspect_row();
CommandRow search_row();
CommandRow quantize_row();
CommandRow finetune_row();
CommandRow compare_row();
CommandRow sweep_row();
CommandRow latency_table_row();
CommandRow eval_row();
CommandRow diff_row();

std::span<const CommandRow> command_rows() {
  static const std::vector<CommandRow> rows{inspect_row(),
                                            search_row(),
                                            quantize_row(),
                                            finetune_row(),
                                            compare_row(),
                                            sweep_row(),
                                            latency_table_row(),
                                            eval_row(),
                                            diff_row()};
  return rows;
}

const CommandRow& command_row(std::string_view name) {
  const auto rows = command_rows();
  const auto row = std::ranges::find(rows, name, &CommandRow::name);
  if (row == rows.end()) {
    throw InternalError("commands", fmt::format("'{}' is no command that runs networks", name));
  }
  return *row;
}

std::string run_as_json(std::string_view command, const Context& context) {
  return command_row(command).json(context);
}

std::string run_as_text(std::string_view command, const Context& context) {
  return command_row(command).text(context);
}

}  // namespace ompq::commands
