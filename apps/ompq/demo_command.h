#pragma once

#include "ompq/options/options.h"

namespace ompq::app {

/// `ompq demo`: quantizes the network that is installed with ompq, evaluates the written file on
/// test images, and makes the report page, with the commands `quantize` and `report`.
/// @return the exit status.
/// @throws FileError if the network and the images are not installed.
[[nodiscard]] int run_demo(const OptionValues& options);

}  // namespace ompq::app
