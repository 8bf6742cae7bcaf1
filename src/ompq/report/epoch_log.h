#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// The record of one epoch.
struct EpochRecord {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double learning_rate = 0;
  double train_loss = 0;
  std::optional<double> train_accuracy;
  std::optional<double> validation_loss;
  std::optional<double> validation_top1;
  std::optional<double> validation_agreement;
  double images_per_second = 0;
  double seconds = 0;
  std::int64_t best_epoch = 0;
  double best = 0;
};

template <typename Visitor, fields::Of<EpochRecord> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("EpochRecord", "Record of one epoch of training.");
  v("epoch", s.epoch, "counted from 1", fields::kCount);
  v("step", s.step, "weight updates so far", fields::kCount);
  v("learning_rate", s.learning_rate, "at the end of the epoch");
  v("train_loss", s.train_loss, "mean over the epoch's samples");
  v("train_accuracy",
    s.train_accuracy,
    "share of samples classified correctly, 0..1; only with labels",
    fields::kNullableShare);
  v("validation_loss",
    s.validation_loss,
    "mean cross-entropy in nats; only with labels",
    fields::kNullEmpty);
  v("validation_top1",
    s.validation_top1,
    "share of samples classified correctly, 0..1; only with labels",
    fields::kNullableShare);
  v("validation_agreement",
    s.validation_agreement,
    "share of samples, 0..1, with the float network's best class; null if the float network is "
    "trained",
    fields::kNullableShare);
  v("images_per_second", s.images_per_second, "in training, without validation", fields::kCount);
  v("seconds", s.seconds, "for the epoch, including validation", fields::kCount);
  v("best_epoch", s.best_epoch, "epoch with the best validation so far", fields::kCount);
  v("best", s.best, "validation result of best_epoch");
}

/// One line of JSON, without line break. Absent values and NaN are null.
[[nodiscard]] std::string to_json_line(const EpochRecord& record);

/// Parses a line. @throws DataError if it is not a record.
[[nodiscard]] EpochRecord epoch_record_from(std::string_view line);

/// The records of a training run, one line of JSON each, for tools that follow the file. The file
/// has only complete lines of epochs 1, 2, ..., also after an interruption.
class EpochLog {
 public:
  /// @param first_epoch  the next epoch; lines of an earlier run from there on, and incomplete
  /// lines, are removed.
  /// @throws FileError if the file cannot be read or written; DataError if it is not such a log.
  EpochLog(std::filesystem::path path, std::int64_t first_epoch);
  /// @throws FileError (disk full); the file is then unchanged. InternalError for an epoch other
  /// than the next.
  void append(const EpochRecord& record);

 private:
  std::filesystem::path path_;
  std::int64_t next_epoch_ = 0;
};

/// The records of such a file. @throws FileError, DataError naming the line.
[[nodiscard]] std::vector<EpochRecord> read_epoch_log(const std::filesystem::path& path);

}  // namespace ompq::report
