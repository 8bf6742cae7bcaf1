#pragma once

#include <string>

#include "ompq/options/options.h"

namespace ompq::app {

/// `ompq report`: reads the results and writes the page. Needs no engine, since it runs no network.
/// @return what to print.
/// @throws FileError, DataError naming the file; ConfigError if the page would overwrite a result.
[[nodiscard]] std::string run_report(const OptionValues& options);

}  // namespace ompq::app
