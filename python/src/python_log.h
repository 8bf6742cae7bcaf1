#pragma once

namespace ompq::python {

/// Sends the library's log to Python's logger "ompq" from now on.
void route_log_to_python();

}  // namespace ompq::python
