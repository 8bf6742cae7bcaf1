#pragma once

#include <string>

#include "ompq/report/results.h"

namespace ompq::app {

/// One "name version" line for each library in use.
[[nodiscard]] std::string library_versions();

/// What made a result: `command` as it was asked, and the versions of everything that had a part.
[[nodiscard]] report::Provenance provenance_of(std::string command);

}  // namespace ompq::app
