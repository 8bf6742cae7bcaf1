#include "ompq/report/epoch_log.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/append_file.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"

namespace ompq::report {
namespace {

namespace fs = std::filesystem;
/// @throws DataError if the line is not a record.
EpochRecord record_from(std::string_view line) {
  const fields::Source source{
      .place = "epoch record", .remedy = "remove the file, or name another one", .finite = true};
  return fields::from_json<EpochRecord>(fields::parse(line, source), source);
}

/// Records of complete lines, and the bytes of each line.
std::vector<std::pair<EpochRecord, std::size_t>> records_in(const fs::path& path,
                                                            std::string_view text) {
  std::vector<std::pair<EpochRecord, std::size_t>> records;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const auto expected = static_cast<std::int64_t>(records.size()) + 1;
    try {
      records.emplace_back(record_from(text.substr(0, end)), end + 1);
    } catch (const DataError& error) {
      throw DataError(
          path.string(),
          fmt::format(
              "line {} is not the record of epoch {}: {}", expected, expected, error.reason()));
    }
    if (records.back().first.epoch != expected) {
      throw DataError(path.string(),
                      fmt::format("line {} is the record of epoch {}, not {}; remove the file, or "
                                  "name another one",
                                  expected,
                                  records.back().first.epoch,
                                  expected));
    }
    text.remove_prefix(end + 1);
  }
  return records;
}

/// Opened for each record: whoever follows the log may have moved the file away.
AppendFile opened(const fs::path& path) {
  return {path, AppendFile::Create::IfMissing, "free some space, or choose another file"};
}

}  // namespace

std::string to_json_line(const EpochRecord& record) {
  return fields::text_of(fields::to_json(record));
}

EpochRecord epoch_record_from(std::string_view line) { return record_from(line); }

EpochLog::EpochLog(fs::path path, std::int64_t first_epoch)
    : path_(std::move(path)), next_epoch_(first_epoch) {
  if (first_epoch > 1 || fs::exists(path_)) {
    std::int64_t kept = 0;
    std::size_t whole = 0;  // bytes
    for (const auto& [record, bytes] : records_in(path_, read_file(path_))) {
      if (record.epoch >= first_epoch) break;
      whole += bytes;
      ++kept;
    }
    if (kept != first_epoch - 1) {
      throw DataError(
          path_.string(),
          fmt::format(
              "it has {} epochs, but {} were trained; choose another file", kept, first_epoch - 1));
    }
    opened(path_).truncate(whole);
  } else {
    write_file_atomically(path_, std::string_view());
  }
}

void EpochLog::append(const EpochRecord& record) {
  if (record.epoch != next_epoch_) {
    throw InternalError("epoch log",
                        fmt::format("epoch {} follows {}", record.epoch, next_epoch_ - 1));
  }
  const std::string line = to_json_line(record) + "\n";
  opened(path_).append(line);
  ++next_epoch_;
}

std::vector<EpochRecord> read_epoch_log(const fs::path& path) {
  std::vector<EpochRecord> records;
  for (auto& [record, bytes] : records_in(path, read_file(path))) records.push_back(record);
  return records;
}

}  // namespace ompq::report
