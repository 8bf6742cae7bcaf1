#pragma once

#include <span>
#include <string>

namespace ompq::report {

/// A JSON result that a command of ompq wrote.
struct RunDocument {
  std::string file;  ///< as messages and the page name it
  std::string json;
};

/// One HTML page that shows `runs`: no network, no other file, nothing of the documents' text
/// ever run. Numbers with a fraction are kept to six significant digits, whole ones exactly.
///
/// Accepted are the kinds of documents() that the page shows, of this and earlier versions.
/// @throws DataError naming the file, what was found and what is accepted; ConfigError where this
/// build has no page.
[[nodiscard]] std::string report_page(std::span<const RunDocument> runs);

/// False where the page could not be bundled when ompq was built, for want of npm.
[[nodiscard]] bool has_report_page();

}  // namespace ompq::report
