#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ompq/report/epoch_log.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// A training from its start to its best epoch.
struct Finetuning {
  /// The networks: the best epoch's first, then the last epoch's where that is another, then what
  /// training started from.
  Quantization quantization;
  SamplesUsed trained_on;
  std::vector<EpochRecord> epochs;
  std::int64_t best_epoch = 0;      ///< from 1 on; 0: none was better than the start
  bool stopped_early = false;       ///< as no epoch brought anything better for long enough
  std::int64_t resumed_epochs = 0;  ///< finished by earlier runs of the same command
  std::vector<std::pair<std::string, std::string>> options;  ///< how it was trained
};

}  // namespace ompq::report
