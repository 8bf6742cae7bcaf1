#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"

namespace ompq::app {

void run_search(const CommandContext& context) {
  const OptionValues& options = context.options();
  fmt::print("{}", search_text(commands::search(context.work)));
  if (const auto file = options.maybe_text("output")) {
    fmt::print("allocation   {}\n", *file);
    fmt::print("next: ompq quantize {} --data {} --allocation {} -o small.onnx\n",
               options.text("MODEL"),
               options.text("data"),
               *file);
  }
}

}  // namespace ompq::app
