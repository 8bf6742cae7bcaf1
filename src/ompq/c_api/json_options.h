#pragma once

#include <string_view>

#include "ompq/options.h"

namespace ompq::c_api {

/// Sets the options of a JSON object, as ompq_run_set_options() describes.
/// @throws DataError if `json` is not a valid JSON object; ConfigError for names and values that
/// the command does not accept.
void set_json_options(Options& options, std::string_view json);

}  // namespace ompq::c_api
