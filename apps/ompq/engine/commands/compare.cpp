#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"

namespace ompq::app {

void run_compare(const CommandContext& context) {
  fmt::print("{}", comparison_text(commands::compare(context.work)));
}

}  // namespace ompq::app
