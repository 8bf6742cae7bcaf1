#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// What one epoch of training did.
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
  v.type("EpochRecord", "What one epoch of training did.");
  v("epoch", s.epoch, "from 1 on", fields::kCount);
  v("step", s.step, "updates of the weights so far", fields::kCount);
  v("learning_rate", s.learning_rate, "at the epoch's end");
  v("train_loss", s.train_loss, "mean over the epoch's samples");
  v("train_accuracy",
    s.train_accuracy,
    "share of samples, 0..1, where there are labels",
    fields::kNullableShare);
  v("validation_loss",
    s.validation_loss,
    "mean cross-entropy, nats, where there are labels",
    fields::kNullEmpty);
  v("validation_top1",
    s.validation_top1,
    "share of samples, 0..1, where there are labels",
    fields::kNullableShare);
  v("validation_agreement",
    s.validation_agreement,
    "share of samples, 0..1, whose best class is the float network's; null where that is trained",
    fields::kNullableShare);
  v("images_per_second", s.images_per_second, "of training, without validation", fields::kCount);
  v("seconds", s.seconds, "of the epoch, with validation", fields::kCount);
  v("best_epoch", s.best_epoch, "with the best validation so far", fields::kCount);
  v("best", s.best, "what best_epoch reached");
}

/// One line of JSON, without its line break. Values that are absent or no numbers are null.
[[nodiscard]] std::string to_json_line(const EpochRecord& record);

/// The way back. @throws DataError if the line holds no record.
[[nodiscard]] EpochRecord epoch_record_from(std::string_view line);

/// The records of a training run, one line of JSON each, for tools that follow the file.
/// The file holds whole lines of epochs 1, 2, ... alone, also where a run was killed and goes on.
class EpochLog {
 public:
  /// @param first_epoch  the epoch whose record comes next; lines of an earlier run from there on,
  /// and what a kill tore, are removed.
  /// @throws FileError if the file cannot be read or written; DataError if it is no such log.
  EpochLog(std::filesystem::path path, std::int64_t first_epoch);
  /// @throws FileError (disk full); the file then stays as it was. InternalError for an epoch other
  /// than the next.
  void append(const EpochRecord& record);

 private:
  std::filesystem::path path_;
  std::int64_t next_epoch_ = 0;
  std::uintmax_t bytes_ = 0;  ///< of whole lines
};

/// What is in such a file. @throws FileError, DataError naming the line.
[[nodiscard]] std::vector<EpochRecord> read_epoch_log(const std::filesystem::path& path);

}  // namespace ompq::report
