#include "ompq/pipeline/journal.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"

namespace ompq::pipeline {
namespace {

using fields::Json;
constexpr std::string_view kAnyJournalFormat = "ompq-journal/";
constexpr std::string_view kJournalFormat = "ompq-journal/2";

/// The text of `key`, or "" if there is none.
std::string text_at(const Json& line, const char* key) {
  if (!line.is_object() || !line.contains(key) || !line[key].is_string()) return "";
  return line[key].get<std::string>();
}

std::string header_of(const std::string& fingerprint) {
  return Json{{"format", kJournalFormat}, {"fingerprint", fingerprint}}.dump() + "\n";
}

/// The kind of a file that is opened as a journal.
enum class Found { Nothing, OurRun, OtherRun, OtherFormat, NoJournal };

/// @param header  of the expected journal.
Found what_is(const std::string& text, const std::string& header) {
  if (text != header && header.starts_with(text))
    return Found::Nothing;  // interrupted while creating it
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) {
    const std::string any_run = header_of("");
    const std::string_view common = std::string_view(any_run).substr(0, any_run.rfind("\"}"));
    return text.starts_with(common) ? Found::OtherRun : Found::NoJournal;
  }
  const Json line = fields::parse_if_valid(std::string_view(text).substr(0, end)).value_or(Json());
  const std::string format = text_at(line, "format");
  if (!format.starts_with(kAnyJournalFormat)) return Found::NoJournal;
  if (format != kJournalFormat) return Found::OtherFormat;
  return text.substr(0, end + 1) == header ? Found::OurRun : Found::OtherRun;
}

}  // namespace

Journal::Journal(std::filesystem::path path, std::string fingerprint)
    : file_(std::in_place,
            std::move(path),
            AppendFile::Create::IfMissing,
            "choose another file with --journal") {
  if (!file_->lock()) {
    throw FileError("journal",
                    fmt::format("{} is in use by another run; wait for it, or choose another file "
                                "with --journal",
                                file_->path().string()));
  }
  const std::string text = file_->read();
  const std::string header = header_of(fingerprint);
  const Found found = what_is(text, header);
  if (found == Found::NoJournal) {
    throw DataError(
        "journal",
        fmt::format("{} is not a journal of ompq; choose another file", file_->path().string()));
  }
  if (found == Found::OtherRun) {
    log().warn(
        "{} is from a run of another version, or with another model, other samples or options; "
        "it is restarted",
        file_->path().string());
  }
  if (found == Found::OtherFormat) {
    throw DataError("journal",
                    fmt::format("{} is a journal of another version of ompq, and this one reads "
                                "only {}; finish the run with that version, or remove the file "
                                "to start again",
                                file_->path().string(),
                                kJournalFormat));
  }
  found == Found::OurRun ? resume(text) : begin(header);
}

void Journal::begin(const std::string& header) {
  file_->truncate(0);
  without_units_.emplace(path().string());
  try {
    write_line(header);
  } catch (const FileError&) {  // nothing to resume from
    std::error_code ignored;
    std::filesystem::remove(path(), ignored);
    throw;
  }
}

void Journal::resume(const std::string& text) {
  std::size_t kept = text.find('\n') + 1;
  for (std::size_t end = text.find('\n', kept); end != std::string::npos;
       end = text.find('\n', kept)) {
    const auto line = fields::parse_if_valid(std::string_view(text).substr(kept, end - kept));
    // A damaged line, or a unit that is there already: drop it and what follows.
    const std::string key = line ? text_at(*line, "key") : "";
    if (key.empty() || !line->contains("value") || units_.contains(key)) {
      log().warn(
          "{}: the line after {} units is damaged; it and what follows it are computed again",
          path().string(),
          units_.size());
      break;
    }
    units_[key] = {.json = (*line)["value"].dump(), .begin = kept};
    kept = end + 1;
  }
  resumed_ = units_.size();
  file_->truncate(kept);
}

void Journal::write_line(std::string_view line) {
  file_->append(line);
  file_->flush_to_disk();
}

std::optional<std::string> Journal::find(std::string_view key) const {
  const auto found = units_.find(key);
  if (found == units_.end()) return std::nullopt;
  return found->second.json;
}

void Journal::drop_from(std::string_view key, std::string_view reason) {
  const auto dropped = units_.find(key);
  if (dropped == units_.end()) return;
  const std::size_t end = dropped->second.begin;
  log().warn("{}: unit '{}' cannot be used ({}); it and what follows it are computed again",
             path().string(),
             key,
             reason);
  std::erase_if(units_, [&](const auto& unit) { return unit.second.begin >= end; });
  resumed_ = std::min(resumed_, units_.size());
  file_->truncate(end);
}

void Journal::append(std::string_view key, std::string_view json) {
  const Json value = Json::parse(json);  // of this program
  const std::size_t begin = file_->bytes();
  write_line(fields::text_of(Json{{"key", key}, {"value", value}}) + "\n");
  without_units_.reset();
  units_[std::string(key)] = {.json = value.dump(), .begin = begin};
}

void Journal::finish() {
  const std::filesystem::path path = file_->path();
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

}  // namespace ompq::pipeline
