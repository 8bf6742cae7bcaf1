#include "ompq/report/event_file.h"

#include <array>
#include <bit>
#include <chrono>
#include <system_error>

#include <fmt/format.h>

#include "ompq/core/error.h"

// Four message types with six fields; a dependency on a schema compiler would outweigh the code.

namespace ompq::report {
namespace {

namespace fs = std::filesystem;

std::array<std::uint32_t, 256> make_crc_table() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78U;  // reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    table[i] = crc;
  }
  return table;
}

/// The masked checksum of the framing, which avoids checksums of checksums.
std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8U;
}

template <typename Number>
std::string little_endian(Number number) {
  std::string bytes(sizeof number, '\0');
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes[i] = static_cast<char>((number >> (8 * i)) & 0xff);
  }
  return bytes;
}

// --- protocol buffers' wire format ---------------------------------------------------------------

enum WireType : std::uint64_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string key(std::uint64_t field, WireType type) { return varint(field << 3 | type); }

std::string bytes_field(std::uint64_t field, std::string_view bytes) {
  return key(field, Bytes) + varint(bytes.size()) + std::string(bytes);
}

std::string double_field(std::uint64_t field, double value) {
  return key(field, Fixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}

std::string float_field(std::uint64_t field, float value) {
  return key(field, Fixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}

std::string varint_field(std::uint64_t field, std::uint64_t value) {
  return key(field, Varint) + varint(value);
}

// --- events --------------------------------------------------------------------------------------

double wall_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// Event { wall_time = 1, step = 2, and one of file_version = 3, summary = 5, session_log = 7 }.
std::string event(std::int64_t step, const std::string& what) {
  return double_field(1, wall_time()) + varint_field(2, static_cast<std::uint64_t>(step)) + what;
}

std::string file_version() { return bytes_field(3, "brain.Event:2"); }

/// SessionLog { status = 1: START = 1 }: readers drop later steps of earlier files.
std::string session_start() { return bytes_field(7, varint_field(1, 1)); }

/// Summary { repeated Value value = 1 }, Value { tag = 1, simple_value = 2 }.
std::string summary(std::span<const Scalar> scalars) {
  std::string values;
  for (const auto& [tag, value] : scalars) {
    values += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  }
  return bytes_field(5, values);
}

/// A file with a new name, also for several runs within one second.
AppendFile create(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) throw FileError(folder.string(), "cannot be created: " + code.message());
  const auto seconds = static_cast<std::int64_t>(wall_time());
  for (int number = 0;; ++number) {
    const fs::path path =
        folder / fmt::format("events.out.tfevents.{:010}.{:04}.ompq", seconds, number);
    if (fs::exists(path, code)) continue;
    try {
      return {path, AppendFile::Create::Always, "free some space, or choose another folder"};
    } catch (const FileError&) {
      if (!fs::exists(path, code)) throw;  // else another run was faster
    }
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = make_crc_table();
  std::uint32_t crc = ~0U;
  for (const char c : bytes)
    crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  return ~crc;
}

EventFile::EventFile(const fs::path& folder, std::int64_t first_step) : file_(create(folder)) {
  append(event(0, file_version()));
  append(event(first_step, session_start()));
}

void EventFile::write(std::int64_t step, std::span<const Scalar> scalars) {
  append(event(step, summary(scalars)));
}

void EventFile::append(std::string_view event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  std::string record = length + little_endian(masked_crc(length));
  record += event;
  record += little_endian(masked_crc(event));
  file_.append(record);
}

std::vector<Scalar> scalars_of(const EpochRecord& record) {
  std::vector<Scalar> scalars{{"learning_rate", record.learning_rate},
                              {"train/loss", record.train_loss},
                              {"train/images_per_second", record.images_per_second}};
  const auto add = [&](const char* tag, const std::optional<double>& value) {
    if (value) scalars.emplace_back(tag, *value);
  };
  add("train/accuracy", record.train_accuracy);
  add("validation/loss", record.validation_loss);
  add("validation/top1", record.validation_top1);
  add("validation/agreement", record.validation_agreement);
  return scalars;
}

}  // namespace ompq::report
