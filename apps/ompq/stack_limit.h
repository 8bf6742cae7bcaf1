#pragma once

namespace ompq::app {

/// Raises a low limit on the stack (ulimit -s) as far as the system allows, for this thread and
/// those that start later. A stack that is used up ends a program without a message.
/// @throws OutOfMemory if the system allows less than a command needs.
void raise_stack_limit();

}  // namespace ompq::app
