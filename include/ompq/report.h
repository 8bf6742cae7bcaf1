#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ompq/errors.h"

namespace ompq {

/// A JSON result of search, quantize, finetune, compare or sweep.
struct ReportInput {
  std::string name;  ///< as the page and messages call it
  std::string json;
};

/// One HTML page that shows the results and works offline: `ompq report`.
/// @throws DataError for a text that is not such a result; ConfigError if ompq was built without
/// the page; FileError if the page cannot be written.
OMPQ_API void write_report(const std::vector<ReportInput>& results,
                           const std::filesystem::path& output);

}  // namespace ompq
