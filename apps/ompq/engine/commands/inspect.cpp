#include "ompq/pipeline/inspect.h"

#include <cstdio>

#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "result_tables.h"

namespace ompq::app {

void run_inspect(const CommandContext& context) {
  const report::Inspection inspection = pipeline::inspect(load_model(context.options));
  fmt::print("{}", context.json() ? report::to_json(inspection) : inspection_text(inspection));
}

}  // namespace ompq::app
