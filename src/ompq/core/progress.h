#pragma once

#include "ompq/progress.h"

namespace ompq {

/// Long work calls this between units. @throws Interrupted if the user asked to stop.
void check_interrupt();

}  // namespace ompq
