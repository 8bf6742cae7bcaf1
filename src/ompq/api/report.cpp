#include "ompq/report.h"

#include "ompq/core/atomic_file.h"
#include "ompq/report/html.h"

namespace ompq {

void write_report(const std::vector<ReportInput>& results, const std::filesystem::path& output) {
  std::vector<report::RunDocument> documents;
  for (const ReportInput& result : results) documents.push_back({result.name, result.json});
  write_file_atomically(output, report::report_page(documents));
}

}  // namespace ompq
