#include "ompq/pipeline/inspect.h"

#include "ompq/commands/command_options.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/pipeline/load_model.h"

namespace ompq::commands {

report::Inspection inspect(const Context& context) {
  return pipeline::inspect(load_model(context));
}

}  // namespace ompq::commands
