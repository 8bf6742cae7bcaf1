#include "report_command.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/byte_count.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/output_files.h"
#include "ompq/core/progress.h"
#include "ompq/report/html.h"

namespace ompq::app {
namespace {

void refuse_to_overwrite(const std::string& source, const std::string& target) {
  std::error_code missing;  // then they are not the same file
  if (std::filesystem::equivalent(source, target, missing)) {
    throw ConfigError(
        "--output", fmt::format("'{}' is one of the results; give the page another name", target));
  }
}

}  // namespace

std::string run_report(const OptionValues& options) {
  const std::string& target = options.text("output");
  const NamedFile page_file{"--output", target};
  check_output_files({&page_file, 1}, {});
  std::vector<report::RunDocument> documents;
  for (const std::string& file : options.texts("RUN.json")) {
    refuse_to_overwrite(file, target);
    documents.push_back({file, read_file(file)});
  }
  const std::string page = report::report_page(documents);
  check_interrupt();
  write_file_atomically(target, page);
  return fmt::format("report       {} ({}, {} result{})\n",
                     display_name(target),
                     format_bytes(static_cast<std::int64_t>(page.size())),
                     documents.size(),
                     documents.size() == 1 ? "" : "s");
}

}  // namespace ompq::app
