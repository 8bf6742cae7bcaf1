#pragma once

#include <span>
#include <string_view>

#include "ompq/core/row_table.h"
#include "ompq/options/options.h"

namespace ompq {

/// Every command of `ompq`, in the order of the help. The one list that the command line, its
/// documentation and its completion are made of.
[[nodiscard]] std::span<const CommandRecord> command_table();
/// The same, to which a record can be added for a while; see commands::ScopedCommand.
[[nodiscard]] RowTable<CommandRecord>& command_records();
/// nullptr if there is none of this name.
[[nodiscard]] const CommandRecord* find_command(std::string_view name);

}  // namespace ompq
