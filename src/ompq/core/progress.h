#pragma once

#include "ompq/progress.h"

namespace ompq {

/// Long work calls this between units.
/// @throws Interrupted if the user asked to stop; TimeIsUp if a TimeLimit of this thread is over.
void check_interrupt();

}  // namespace ompq
