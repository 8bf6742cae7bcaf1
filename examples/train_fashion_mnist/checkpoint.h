#pragma once

#include <filesystem>
#include <string>

#include "trainable_network.h"

namespace ompq::examples {

/// What an epoch leaves to the next. The tensors share memory with their owners: loading a
/// checkpoint writes into them.
struct TrainingState {
  std::string run;  ///< the options, so that no run goes on under others
  int epochs_done = 0;
  TensorMap tensors;
};

/// Writes `state` atomically. @throws FileError.
void save_checkpoint(const std::filesystem::path& file, const TrainingState& state);

/// Fills the tensors of `state` and its count of epochs from `file`; leaves it alone if there is
/// none.
/// @throws ConfigError if the file belongs to a run with other options; DataError if it is damaged
/// or its tensors are not those of `state`.
void load_checkpoint(const std::filesystem::path& file, TrainingState& state);

}  // namespace ompq::examples
