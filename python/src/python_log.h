#pragma once

namespace ompq::python {

/// From now on the library's log goes to Python's logger "ompq".
void route_log_to_python();

}  // namespace ompq::python
