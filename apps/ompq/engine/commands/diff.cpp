#include <fmt/format.h>

#include "command_context.h"
#include "diagnosis_tables.h"

namespace ompq::app {

void run_diff(const CommandContext& context) {
  fmt::print("{}", diff_text(commands::diff(context.work)));
}

}  // namespace ompq::app
