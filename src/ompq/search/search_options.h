#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/runtime/executor.h"
#include "ompq/search/request_options.h"

namespace ompq::search {

struct AutoOptions {
  double time_limit_seconds =
      60;               ///< for ranking and refining; the best so far stands when it ends
  int max_rounds = 40;  ///< of refinement, all starts together
  double second_look_seconds = 0;  ///< that a second look is expected to take
  std::size_t starts = 3;          ///< best ranked candidates that are refined
};

struct SearchOptions {
  RequestOptions request;
  std::string allocator = "auto";
  /// Allocators whose answer to the same budget is put next to the chosen one.
  std::vector<std::string> beside{"uniform", "size-only", "orm"};
  /// False leaves out those next to it that need a measurement which the chosen one does not.
  bool measure_for_beside = true;
  double beta = 1.0;
  AutoOptions automatic;
  rounding::WeightOptions weights;
  /// Measure with error-compensated rounding in place of rounding to nearest: for networks that
  /// will be rounded by such a method.
  bool compensated = false;
  pipeline::FileForm
      form;  ///< of the file whose size is promised; its budget is set by what is asked for
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;  ///< of the passes that measure
};

}  // namespace ompq::search
