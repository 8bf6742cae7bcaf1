#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"

namespace ompq::app {

void run_inspect(const CommandContext& context) {
  fmt::print("{}", inspection_text(commands::inspect(context.work)));
}

}  // namespace ompq::app
