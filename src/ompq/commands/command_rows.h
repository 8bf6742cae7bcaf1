#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/commands/context.h"
#include "ompq/core/memory_budget.h"
#include "ompq/core/memory_limit.h"
#include "ompq/core/output_files.h"
#include "ompq/core/row_table.h"
#include "ompq/options/command_table.h"
#include "ompq/options/options.h"

namespace ompq::commands {

/// A command that runs networks; its record in command_table() has its options. A new command needs
/// only this row and the record, which the program, the checks of files and the Python module use.
struct CommandRow {
  std::string_view name;  ///< of its record
  /// Runs the command and returns the result as a JSON document.
  std::string (*json)(const Context&) = nullptr;
  /// Runs the command and returns the result as text: tables and a few sentences.
  std::string (*text)(const Context&) = nullptr;
  /// Further files that it writes besides those given by options, to check that nothing is
  /// overwritten; null: none.
  void (*companions)(const OptionValues&, std::vector<NamedFile>&) = nullptr;
  /// For --memory: how often it holds the float weights, at most.
  int weight_copies = kCopiesWhileRounding;
};

/// `json` of a row: runs the command and converts its result to JSON.
template <auto run>
[[nodiscard]] std::string json_of(const Context& context) {
  return to_json(run(context));
}

/// One row per command that runs networks, in the order of the help.
[[nodiscard]] std::span<const CommandRow> command_rows();
/// The same, for temporarily added rows.
[[nodiscard]] RowTable<CommandRow>& command_row_table();
/// @throws InternalError for a command that does not run networks.
[[nodiscard]] const CommandRow& command_row(std::string_view name);

/// The limits of --memory while a command runs.
struct MemoryScope {
  MemoryLimit files;  ///< what files may make it allocate
  MemoryBudget run;
};
/// For the function of each command, which programs call, too.
[[nodiscard]] MemoryScope memory_of(const Context& context, std::string_view command);

/// A temporarily added command, for example in a test; it exists during the lifetime of this
/// object.
class ScopedCommand {
 public:
  /// @param record  of the same name as `row`.
  ScopedCommand(CommandRecord record, const CommandRow& row)
      : record_(command_records(), std::move(record)), row_(command_row_table(), row) {}

 private:
  ScopedRow<CommandRecord> record_;
  ScopedRow<CommandRow> row_;
};

}  // namespace ompq::commands
