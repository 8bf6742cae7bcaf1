#include <string>
#include <vector>

#include "fuzz_target.h"
#include "ompq/report/documents.h"
#include "ompq/report/html.h"
#include "ompq/report/json.h"

namespace {

/// A result as `ompq report` shows it, and as each kind of document.
void read_result(std::string_view bytes) {
  using namespace ompq;
  report::for_each_document([&]<typename Result>(const report::Format&) {
    try {
      (void)report::read_document<Result>(bytes, "run.json");
    } catch (const DataError&) {  // of another kind
    }
  });
  if (report::has_report_page()) {
    const std::vector<report::RunDocument> runs{{"run.json", std::string(bytes)}};
    (void)report::report_page(runs);
  }
}

}  // namespace

OMPQ_FUZZ_TARGET(result, read_result);
