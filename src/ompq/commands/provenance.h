#pragma once

#include <string>

#include "ompq/report/results.h"

namespace ompq::commands {

/// One "name version" line for each library in use.
[[nodiscard]] std::string library_versions();

/// What produced a result: `command` as it was typed, and the versions of all libraries involved.
[[nodiscard]] report::Provenance provenance_of(std::string command);

}  // namespace ompq::commands
