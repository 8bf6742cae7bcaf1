#pragma once

#include <span>
#include <string_view>

#include "ompq/core/row_table.h"
#include "ompq/options/options.h"

namespace ompq {

/// Every command of `ompq`, in the order of the help. The command line, its documentation and its
/// completion are generated from this list.
[[nodiscard]] std::span<const CommandRecord> command_table();
/// The same, for temporarily added records; see commands::ScopedCommand.
[[nodiscard]] RowTable<CommandRecord>& command_records();
/// nullptr if no command has this name.
[[nodiscard]] const CommandRecord* find_command(std::string_view name);

}  // namespace ompq
