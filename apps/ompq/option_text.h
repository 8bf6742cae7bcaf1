#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ompq/options/options.h"

namespace ompq::app {

/// Options of a command that share a heading, in the order of the table.
struct OptionGroup {
  std::string_view name;
  std::vector<const OptionRecord*> options;
};
[[nodiscard]] std::vector<OptionGroup> option_groups(const CommandRecord& command);

/// "-o, --output OUT.onnx"; "MODEL" for an operand.
[[nodiscard]] std::string signature(const OptionRecord& record);
/// "required", "default 64", "1..8", "a | b"; joined by "; ", or "".
[[nodiscard]] std::string notes(const OptionRecord& record);
/// "ompq quantize MODEL --data SRC -o OUT.onnx [options]".
[[nodiscard]] std::string usage(const CommandRecord& command);

/// One of the exit statuses, which are the same for all commands.
struct ExitStatusRow {
  int status;
  std::string_view meaning;
};
[[nodiscard]] std::span<const ExitStatusRow> exit_statuses();

}  // namespace ompq::app
