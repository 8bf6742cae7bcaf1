#include "ompq/commands/command_rows.h"

#include <fmt/format.h>

#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/core/memory_budget.h"
#include "ompq/core/memory_limit.h"

namespace ompq::commands {

// Each is defined in the file of its command.
CommandRow inspect_row();
CommandRow search_row();
CommandRow quantize_row();
CommandRow finetune_row();
CommandRow compare_row();
CommandRow sweep_row();
CommandRow latency_table_row();
CommandRow eval_row();
CommandRow diff_row();

RowTable<CommandRow>& command_row_table() {
  static RowTable<CommandRow> table({inspect_row(),
                                     search_row(),
                                     quantize_row(),
                                     finetune_row(),
                                     compare_row(),
                                     sweep_row(),
                                     latency_table_row(),
                                     eval_row(),
                                     diff_row()});
  return table;
}

std::span<const CommandRow> command_rows() { return command_row_table().rows(); }

const CommandRow& command_row(std::string_view name) {
  if (const CommandRow* row = command_row_table().find(name)) return *row;
  throw InternalError("commands", fmt::format("'{}' is not a command that runs networks", name));
}

MemoryScope memory_of(const Context& context, std::string_view command) {
  const bool has_option = context.options.knows("memory");
  const bool given = has_option && context.options.has("memory");
  const std::int64_t bytes = given ? context.options.integer("memory") : 0;
  return {MemoryLimit(bytes, has_option), MemoryBudget(bytes, command_row(command).weight_copies)};
}

namespace {

std::string json_of_row(std::string_view command, const Context& context) {
  return command_row(command).json(context);
}

std::string text_of_row(std::string_view command, const Context& context) {
  return command_row(command).text(context);
}

}  // namespace

std::string run_as_json(std::string_view command, const Context& context) {
  return shielded<json_of_row>(command, context);
}

std::string run_as_text(std::string_view command, const Context& context) {
  return shielded<text_of_row>(command, context);
}

}  // namespace ompq::commands
