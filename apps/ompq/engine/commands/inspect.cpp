#include "command_context.h"
#include "ompq/core/error.h"

namespace ompq::app {

void run_inspect(const CommandContext&) {
  throw InternalError("inspect", "this command is not joined to the pipeline yet");
}

}  // namespace ompq::app
