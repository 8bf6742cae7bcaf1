#pragma once

#include <span>
#include <string>

namespace ompq::report {

/// A JSON result of an ompq command.
struct RunDocument {
  std::string file;  ///< name in messages and on the page
  std::string json;
};

/// One HTML page that shows `runs`, without network access, other files, or execution of text from
/// the documents. Fractions are rounded to six significant digits; integers are exact.
///
/// Accepted are the kinds of documents() that the page shows, of this and earlier versions.
/// @throws DataError naming the file, its format and the accepted ones; ConfigError if this build
/// has no page.
[[nodiscard]] std::string report_page(std::span<const RunDocument> runs);

/// False if the page could not be bundled when ompq was built because npm was missing.
[[nodiscard]] bool has_report_page();

}  // namespace ompq::report
