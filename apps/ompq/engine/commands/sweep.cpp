#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"

namespace ompq::app {

void run_sweep(const CommandContext& context) {
  fmt::print("{}", sweep_text(commands::sweep(context.work)));
  if (const auto file = context.options().maybe_text("output")) {
    fmt::print("allocation   {}\n", *file);
  }
}

}  // namespace ompq::app
