// Stands in for the bundled page in a build without npm.
#include "ompq/report/page_template.h"

namespace ompq::report {

std::string_view page_template() { return {}; }

}  // namespace ompq::report
