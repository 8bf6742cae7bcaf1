#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/fields/declare.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/results.h"
#include "ompq/training/trainer.h"

namespace ompq::qat {

/// The best epoch so far.
struct BestEpoch {
  std::int64_t epoch = 0;  ///< counted from 1; 0: none yet
  double score = 0.0;      ///< by which epochs are compared
  onnx_io::OnnxFile file;  ///< the written bytes of the network
  report::Evaluation evaluation;
};

template <typename Visitor, fields::Of<BestEpoch> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("BestEpoch", "The best epoch so far.");
  v("epoch", s.epoch, "counted from 1", fields::kCount);
  v("score", s.score, "the value that epochs are compared by");
  v("evaluation", s.evaluation, "");
  v.internal(s.file);
}

/// The progress of a training run, without the trainer's state.
struct TrainingProgress {
  std::int64_t epoch = 0;  ///< epochs finished
  std::int64_t batch = 0;  ///< batches finished in the current epoch
  double loss_sum = 0.0;   ///< over its finished samples
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  double seconds = 0.0;
  double rate = 0.0;  ///< learning rate of the last step
  std::vector<report::EpochRecord> epochs;
  BestEpoch best;
};

/// Identifies a run; a checkpoint must match it.
struct TrainingIdentity {
  std::string fingerprint;  ///< of networks and samples
  std::vector<std::pair<std::string, std::string>> options;
};

/// Writes atomically. @throws FileError; an older checkpoint is then kept.
void write_checkpoint(const std::filesystem::path& file,
                      const TrainingIdentity& identity,
                      const TrainingProgress& progress,
                      const training::TrainingState& state);

struct Checkpoint {
  TrainingProgress progress;
  training::TrainingState state;
};

using UseCheckpoint = std::function<void(const Checkpoint&)>;

/// @throws DataError if a file with this name is not a checkpoint. Nothing else is checked.
void check_checkpoint_name(const std::filesystem::path& file);

/// Reads the checkpoint of an earlier call of the same run. A checkpoint of another run (other
/// networks, samples, options or version) or a damaged one is moved to the first free name of
/// FILE.1, FILE.2, ..., with a warning.
/// @param use  throws DataError for a checkpoint that does not fit the run; it is then moved, too.
/// @return nullopt if there is no such file, or it was moved.
/// @throws DataError if the file is not a checkpoint (it is left unchanged); FileError.
[[nodiscard]] std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& file,
                                                        const TrainingIdentity& identity,
                                                        const UseCheckpoint& use = {});

}  // namespace ompq::qat
