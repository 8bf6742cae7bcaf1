#pragma once

#include <exception>
#include <string>

#include "ompq.h"

namespace ompq::c_api {

/// An error as the C interface has it.
struct Failure {
  ompq_status status = OMPQ_OK;
  std::string where;
  std::string message;
};

/// The class name of a kind of error, "ConfigError"; "" for OMPQ_OK and unknown values.
[[nodiscard]] const char* status_name(int status);

/// An exception of any class; those that are not children of Error are bugs, except for a lack of
/// memory. Text of other libraries is made safe to show.
[[nodiscard]] Failure failure_of(const std::exception& error);

}  // namespace ompq::c_api
