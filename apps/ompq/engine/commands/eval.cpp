#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"

namespace ompq::app {

void run_eval(const CommandContext& context) {
  fmt::print("{}", evaluation_text(commands::evaluate(context.work).evaluation));
}

}  // namespace ompq::app
