#include "command_context.h"
#include "ompq/core/error.h"

namespace ompq::app {

void run_eval(const CommandContext&) {
  throw InternalError("eval", "this command is not joined to the pipeline yet");
}

}  // namespace ompq::app
