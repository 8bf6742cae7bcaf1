#include "command_context.h"
#include "ompq/core/error.h"

namespace ompq::app {

void run_quantize(const CommandContext&) {
  throw InternalError("quantize", "this command is not joined to the pipeline yet");
}

}  // namespace ompq::app
