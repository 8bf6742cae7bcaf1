#include "ompq/pipeline/journal.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "ompq/report/json_objects.h"

namespace ompq::pipeline {
namespace {

using report::Json;
constexpr std::string_view kJournalFormat = "ompq-journal/1";

/// The text under `key`, or "" where there is none.
std::string text_at(const Json& line, const char* key) {
  if (!line.is_object() || !line.contains(key) || !line[key].is_string()) return "";
  return line[key].get<std::string>();
}

std::string read_all(int file, const std::filesystem::path& path) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(file, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0) {
      throw FileError("journal",
                      fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

Journal::Journal(std::filesystem::path path, std::string fingerprint) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) {
    throw FileError("journal",
                    fmt::format("cannot open {}: {}; name another place with --journal",
                                path_.string(),
                                std::strerror(errno)));
  }
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      throw FileError("journal",
                      fmt::format("{} is in use by another run; wait for it, or name another file "
                                  "with --journal",
                                  path_.string()));
    }
    const std::string text = read_all(file_, path_);
    const std::string header =
        Json{{"format", kJournalFormat}, {"fingerprint", fingerprint}}.dump() + "\n";
    if (header != text && header.starts_with(text)) {  // new, or killed in its first write
      begin(header);
    } else {
      resume(text, fingerprint);
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Journal::~Journal() {
  if (file_ >= 0) ::close(file_);
}

void Journal::begin(const std::string& header) {
  if (::ftruncate(file_, 0) != 0 || ::lseek(file_, 0, SEEK_SET) != 0) {
    throw FileError("journal",
                    fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
  }
  write_line(header);
}

void Journal::resume(const std::string& text, const std::string& fingerprint) {
  if (text.find('\n') == std::string::npos) {
    throw DataError(
        "journal",
        fmt::format("{} is no journal of this program; name another file", path_.string()));
  }
  std::size_t at = 0;
  std::size_t kept = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    const Json line = Json::parse(text.substr(at, end - at), nullptr, false);
    if (at == 0) {
      if (text_at(line, "format") != kJournalFormat) {
        throw DataError(
            "journal",
            fmt::format("{} is no journal of this program; name another file", path_.string()));
      }
      if (text_at(line, "fingerprint") != fingerprint) {
        throw DataError("journal",
                        fmt::format("{} was begun by a run with another model, other samples or "
                                    "options; remove it, or name another file",
                                    path_.string()));
      }
    } else if (!text_at(line, "key").empty() && line.contains("value")) {
      units_[text_at(line, "key")] = line["value"].dump();
    } else {
      break;  // torn: what follows was never acknowledged
    }
    at = end + 1;
    kept = at;
  }
  resumed_ = units_.size();
  if (::ftruncate(file_, static_cast<off_t>(kept)) != 0 || ::lseek(file_, 0, SEEK_END) < 0) {
    throw FileError("journal",
                    fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
  }
}

void Journal::write_line(const std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t put = ::write(file_, bytes.data() + at, bytes.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      throw FileError("journal",
                      fmt::format("cannot write {}: {}; what it holds so far stays good",
                                  path_.string(),
                                  std::strerror(errno)));
    }
    at += static_cast<std::size_t>(put);
  }
  if (::fsync(file_) != 0 && errno != EINVAL) {
    throw FileError("journal",
                    fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
  }
}

std::optional<std::string> Journal::find(std::string_view key) const {
  const auto found = units_.find(key);
  if (found == units_.end()) return std::nullopt;
  return found->second;
}

void Journal::append(std::string_view key, std::string_view json) {
  const Json value = Json::parse(json);
  write_line(Json{{"key", key}, {"value", value}}.dump() + "\n");
  units_[std::string(key)] = value.dump();
}

void Journal::finish() {
  ::close(file_);
  file_ = -1;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace ompq::pipeline
