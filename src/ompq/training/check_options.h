#pragma once

#include "ompq/training/training_options.h"

namespace ompq::training {

/// @throws ConfigError naming the first option that is out of range, or an unknown name.
void check_options(const TrainerOptions& options);

}  // namespace ompq::training
