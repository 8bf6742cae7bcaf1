#pragma once

#include <span>
#include <string>

namespace ompq::report {

/// A JSON result that a command of ompq wrote.
struct RunDocument {
  std::string file;  ///< as messages and the page name it
  std::string json;
};

/// One HTML page that shows `documents`: no network, no other file, nothing of the documents' text
/// ever run. Numbers with a fraction are kept to six significant digits, whole ones exactly.
///
/// Accepted are the formats ompq-search/1, ompq-quantize/1, ompq-finetune/1, ompq-compare/1 and
/// ompq-sweep/1 (report/json.cpp, report/comparison.cpp), each also with the optional members
///   command     text: the command line that made it
///   versions    object: library name -> version
///   diagnosis   {layers and blocks: [{name, snr_before_db, snr_after_db}],
///               advice: [{layer, finding, remedy}]}; a layer may also have gain_db and other
///               numbers
///   reconstruction  {blocks: [{name, iterations, seconds, loss_before, loss_after, snr_before_db,
///               snr_after_db}]}
///   curves      [{name, x: [...], y: [...], unit}]: one chart a unit
///   histograms  [{layer, kind: "weight" | "activation", edges: [n + 1], counts: [n], low, high}]
/// @throws DataError naming the file, what was found and what is accepted; ConfigError where this
/// build has no page.
[[nodiscard]] std::string report_page(std::span<const RunDocument> documents);

/// False where the page could not be bundled when ompq was built, for want of npm.
[[nodiscard]] bool has_report_page();

}  // namespace ompq::report
