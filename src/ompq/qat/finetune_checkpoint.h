#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/onnx_io/exporter.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/results.h"
#include "ompq/training/trainer.h"

namespace ompq::qat {

/// The best epoch so far.
struct BestEpoch {
  std::int64_t epoch = 0;  ///< from 1 on; 0: none yet
  double score = 0.0;      ///< what epochs are compared by
  onnx_io::OnnxFile file;  ///< the network's bytes as they are written
  report::Evaluation evaluation;
};

/// Where a training stands, apart from the trainer's own state.
struct TrainingProgress {
  std::int64_t epoch = 0;  ///< epochs finished
  std::int64_t batch = 0;  ///< batches finished of the one under way
  double loss_sum = 0.0;   ///< over its samples so far
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  double seconds = 0.0;
  double rate = 0.0;  ///< of the last step
  std::vector<report::EpochRecord> epochs;
  BestEpoch best;
};

/// What a checkpoint must have been made under.
struct TrainingIdentity {
  std::string fingerprint;  ///< of networks and samples
  std::vector<std::pair<std::string, std::string>> options;
};

/// Atomically. @throws FileError; an older checkpoint then stays.
void write_checkpoint(const std::filesystem::path& file,
                      const TrainingIdentity& identity,
                      const TrainingProgress& progress,
                      const training::TrainingState& state);

struct Checkpoint {
  TrainingProgress progress;
  training::TrainingState state;
};

/// @throws DataError where a file that is no checkpoint has this name. Nothing else is looked at.
void check_checkpoint_name(const std::filesystem::path& file);

/// What an earlier call of the same run kept. A checkpoint of another run (other networks, samples,
/// options or version) or a damaged one is moved to the first free name of FILE.1, FILE.2, ...,
/// which the log says in one line with the reason.
/// @return nothing where there is no such file, or it was moved.
/// @throws DataError for a file that is no checkpoint, which is not touched; FileError.
[[nodiscard]] std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& file,
                                                        const TrainingIdentity& identity);

}  // namespace ompq::qat
