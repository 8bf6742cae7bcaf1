#include "ompq/report/json.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"
#include "ompq/report/documents.h"

namespace ompq::report {
namespace {

using fields::Json;

template <typename Result>
std::string document(const Result& result) {
  Json json = {{"format", format_of<Result>().text()}};
  fields::add_fields(json, result);
  return fields::text_of(json, 2) + "\n";
}

}  // namespace

std::string to_json(const Inspection& inspection) { return document(inspection); }
std::string to_json(const Search& search) { return document(search); }
std::string to_json(const Quantization& quantization) { return document(quantization); }
std::string to_json(const LatencyTemplate& table) { return document(table); }
std::string to_json(const EvaluatedNetwork& evaluated) { return document(evaluated); }
std::string to_json(const Finetuning& finetuning) { return document(finetuning); }
std::string to_json(const Comparison& comparison) { return document(comparison); }
std::string to_json(const Sweep& sweep) { return document(sweep); }
std::string to_json(const Diff& diff) { return document(diff); }

template <typename Result>
Result read_document(std::string_view json, const std::string& place) {
  const Format format = format_of<Result>();
  const fields::Source source{
      .place = place,
      .remedy = fmt::format("write it again with 'ompq {}' --result", format.command)};
  const Json document = fields::parse(json, source);
  const auto found = document.is_object() ? document.find("format") : document.end();
  if (found == document.end()) fields::refuse_missing(source, "format");
  if (!found->is_string() || !format.reads(found->get<std::string>())) {
    fields::refuse(source, "format", *found, fmt::format("\"{}\" or earlier", format.text()));
  }
  return fields::from_json<Result>(document, source);
}

template Inspection read_document(std::string_view, const std::string&);
template Search read_document(std::string_view, const std::string&);
template Quantization read_document(std::string_view, const std::string&);
template LatencyTemplate read_document(std::string_view, const std::string&);
template EvaluatedNetwork read_document(std::string_view, const std::string&);
template Finetuning read_document(std::string_view, const std::string&);
template Comparison read_document(std::string_view, const std::string&);
template Sweep read_document(std::string_view, const std::string&);
template Diff read_document(std::string_view, const std::string&);

}  // namespace ompq::report
