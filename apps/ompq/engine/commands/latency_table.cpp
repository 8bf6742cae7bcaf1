#include <fmt/format.h>

#include "command_context.h"

namespace ompq::app {

void run_latency_table(const CommandContext& context) {
  const report::LatencyTemplate table = commands::latency_table(context.work);
  fmt::print("{}: fill in the microseconds of {} layers, then\n", table.file, table.layers);
  fmt::print("next: ompq search {} --data SRC --latency 5ms --latency-table {}\n",
             table.model.file,
             table.file);
}

}  // namespace ompq::app
