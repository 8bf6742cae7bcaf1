// Stands in for the page of `ompq report`, which npm bundles: the fuzzers read documents.
#include "ompq/report/page_template.h"

namespace ompq::report {

std::string_view page_template() { return kDataMark; }

}  // namespace ompq::report
