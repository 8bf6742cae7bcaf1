#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/append_file.h"
#include "ompq/report/epoch_log.h"

namespace ompq::report {

/// A scalar of a step: "train/loss", 0.25.
using Scalar = std::pair<std::string, double>;

/// A file for TensorBoard: a sequence of records with length and CRC-32C, each an "Event" message
/// of scalar summaries.
/// Source: tensorflow/core/lib/io/record_writer.h (framing), tensorflow/core/util/event.proto and
/// framework/summary.proto (messages).
class EventFile {
 public:
  /// Creates events.out.tfevents.SECONDS.NUMBER.ompq in `folder`, which is created if it is
  /// missing. Steps from `first_step` on of earlier files in the folder are hidden by it.
  /// @throws FileError
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  /// Flushes to the system. @throws FileError (disk full).
  void write(std::int64_t step, std::span<const Scalar> scalars);
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  void append(std::string_view event);

  AppendFile file_;
};

/// The values of an epoch with conventional names of curves, without absent ones.
[[nodiscard]] std::vector<Scalar> scalars_of(const EpochRecord& record);

/// CRC-32C (Castagnoli), RFC 3720 appendix B.4.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

}  // namespace ompq::report
