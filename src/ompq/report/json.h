#pragma once

#include <string>
#include <string_view>

#include "ompq/report/comparison.h"
#include "ompq/report/diff.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// JSON documents with the fields that the structs declare (list_fields), two spaces deep, ending
/// in a newline. Absent numbers are left out. Formats are in report/documents.h.
[[nodiscard]] std::string to_json(const Inspection& inspection);
[[nodiscard]] std::string to_json(const Search& search);
[[nodiscard]] std::string to_json(const Quantization& quantization);
[[nodiscard]] std::string to_json(const LatencyTemplate& table);
[[nodiscard]] std::string to_json(const EvaluatedNetwork& evaluated);
[[nodiscard]] std::string to_json(const Finetuning& finetuning);
[[nodiscard]] std::string to_json(const Comparison& comparison);
[[nodiscard]] std::string to_json(const Sweep& sweep);
[[nodiscard]] std::string to_json(const Diff& diff);

/// Parses a document, also of an earlier version.
/// @param Result  one of the structs above.
/// @param place   where `json` is from, for messages.
/// @throws DataError naming the place, the field, its value and the expected value.
template <typename Result>
[[nodiscard]] Result read_document(std::string_view json, const std::string& place);

}  // namespace ompq::report
