#include "ompq/report/epoch_log.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json number_or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

std::optional<double> optional_number(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// Nothing where the line is no record.
std::optional<EpochRecord> record_from(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer()) {
    return std::nullopt;
  }
  const auto number = [&](const char* key) {
    return optional_number(json, key).value_or(std::nan(""));
  };
  const auto count = [&](const char* key) {
    return static_cast<std::int64_t>(optional_number(json, key).value_or(0));
  };
  EpochRecord record;
  record.epoch = json["epoch"].get<std::int64_t>();
  record.step = count("step");
  record.learning_rate = number("learning_rate");
  record.train_loss = number("train_loss");
  record.train_accuracy = optional_number(json, "train_accuracy");
  record.validation_loss = optional_number(json, "validation_loss");
  record.validation_top1 = optional_number(json, "validation_top1");
  record.validation_agreement = optional_number(json, "validation_agreement");
  record.images_per_second = number("images_per_second");
  record.seconds = number("seconds");
  record.best_epoch = count("best_epoch");
  record.best = number("best");
  return record;
}

/// Records of whole lines, and how many bytes each line takes.
std::vector<std::pair<EpochRecord, std::size_t>> records_in(const fs::path& path,
                                                            std::string_view text) {
  std::vector<std::pair<EpochRecord, std::size_t>> records;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const auto record = record_from(text.substr(0, end));
    const auto expected = static_cast<std::int64_t>(records.size()) + 1;
    if (!record || record->epoch != expected) {
      throw DataError(path.string(),
                      fmt::format("line {} is not the record of epoch {}; remove the file, or name "
                                  "another one",
                                  expected,
                                  expected));
    }
    records.emplace_back(*record, end + 1);
    text.remove_prefix(end + 1);
  }
  return records;
}

}  // namespace

std::string to_json_line(const EpochRecord& record) {
  return Json{{"epoch", record.epoch},
              {"step", record.step},
              {"learning_rate", number_or_null(record.learning_rate)},
              {"train_loss", number_or_null(record.train_loss)},
              {"train_accuracy", number_or_null(record.train_accuracy)},
              {"validation_loss", number_or_null(record.validation_loss)},
              {"validation_top1", number_or_null(record.validation_top1)},
              {"validation_agreement", number_or_null(record.validation_agreement)},
              {"images_per_second", number_or_null(record.images_per_second)},
              {"seconds", number_or_null(record.seconds)},
              {"best_epoch", record.best_epoch},
              {"best", number_or_null(record.best)}}
      .dump();
}

EpochRecord epoch_record_from(std::string_view line) {
  const auto record = record_from(line);
  if (!record) {
    throw DataError("epoch record", fmt::format("'{}' is none", line.substr(0, 80)));
  }
  return *record;
}

EpochLog::EpochLog(fs::path path, std::int64_t first_epoch)
    : path_(std::move(path)), next_epoch_(first_epoch) {
  if (first_epoch > 1 || fs::exists(path_)) {
    std::int64_t kept = 0;
    for (const auto& [record, bytes] : records_in(path_, read_file(path_))) {
      if (record.epoch >= first_epoch) break;
      bytes_ += bytes;
      ++kept;
    }
    if (kept != first_epoch - 1) {
      throw DataError(path_.string(),
                      fmt::format("it holds {} epochs where {} were trained; name another file",
                                  kept,
                                  first_epoch - 1));
    }
    std::error_code code;
    fs::resize_file(path_, bytes_, code);
    if (code) throw FileError(path_.string(), "cannot be written: " + code.message());
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
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "ab"),
                                                             std::fclose);
  const bool written = file != nullptr &&
                       std::fwrite(line.data(), 1, line.size(), file.get()) == line.size() &&
                       std::fflush(file.get()) == 0;
  if (!written) {
    const int code = errno;
    std::error_code ignored;
    fs::resize_file(path_, bytes_, ignored);
    throw FileError(path_.string(),
                    fmt::format("cannot be written: {}; free some space, or name another file",
                                std::strerror(code)));
  }
  bytes_ += line.size();
  ++next_epoch_;
}

std::vector<EpochRecord> read_epoch_log(const fs::path& path) {
  std::vector<EpochRecord> records;
  for (auto& [record, bytes] : records_in(path, read_file(path))) records.push_back(record);
  return records;
}

}  // namespace ompq::report
