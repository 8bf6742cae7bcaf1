#include "command_context.h"
#include "ompq/core/error.h"

namespace ompq::app {

void run_search(const CommandContext&) {
  throw InternalError("search", "this command is not joined to the pipeline yet");
}

}  // namespace ompq::app
