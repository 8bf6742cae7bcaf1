#include "ompq/pipeline/inspect.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/tables/result_tables.h"

namespace ompq::commands {

report::Inspection inspect(const Context& context) {
  const MemoryScope memory = memory_of(context, "inspect");
  return pipeline::inspect(load_model(context));
}

namespace {

std::string inspect_text_of(const Context& context) {
  return tables::inspection_text(inspect(context));
}

}  // namespace

CommandRow inspect_row() {
  return {.name = "inspect",
          .json = json_of<inspect>,
          .text = inspect_text_of,
          .weight_copies = kCopiesWhileLoading};
}

}  // namespace ompq::commands
