#pragma once

#include "ompq/progress.h"

namespace ompq {

/// Work calls this between units; it throws Interrupted if request_interrupt() was called.
void check_interrupt();

}  // namespace ompq
