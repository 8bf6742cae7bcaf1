#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ompq/core/progress.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/loss_target.h"
#include "ompq/search/intervals.h"
#include "ompq/search/search_options.h"
#include "ompq/search/session.h"

namespace ompq::search {

/// Finds the smallest file that keeps a network's predictions, or the quality that `options.judge`
/// gives it (--max-loss). For predictions, allocations are rounded as FinalCheck does and run on
/// samples that no other step sees. All arguments must outlive it.
class LossTarget {
 public:
  /// @throws ConfigError for the paper's accounting; without a judge, for a network without class
  /// scores too, and DataError for fewer than kFewest samples in `options.loss_samples`.
  LossTarget(const pipeline::Model& model,
             pipeline::Samples& samples,
             const SearchOptions& options,
             SearchSession& session,
             const ProgressHandler& progress);
  ~LossTarget();
  LossTarget(const LossTarget&) = delete;
  LossTarget& operator=(const LossTarget&) = delete;

  static constexpr std::size_t kFewest = 32;

  /// Halves the range of sizes, on a logarithmic scale, until its ends are 2 % apart.
  /// @param budget  further limits; its bytes limit the size from above.
  /// @return the least size, as a budget, whose file is within the loss.
  /// @throws InfeasibleBudget if even the largest file loses more.
  [[nodiscard]] std::int64_t smallest(const allocation::Budget& budget);
  /// The allocator whose allocations smallest() tried.
  [[nodiscard]] const std::string& allocator() const { return allocator_; }

  /// Judges the allocation that is chosen in the end. @return true if it is within the loss.
  /// @param file  of it, as it will be written.
  [[nodiscard]] bool keeps(const allocation::Allocation& chosen,
                           const allocation::AllocationFile& file);
  /// With the loss of the last allocation judged by keeps().
  [[nodiscard]] const report::LossTarget& report() const { return report_; }

 private:
  struct Loss {
    double value = 0;
    std::optional<Interval> interval;
  };
  struct Judge;
  class PredictionJudge;
  class FileJudge;

  const pipeline::Model& model_;
  SearchSession& session_;
  const ProgressHandler& progress_;
  std::string allocator_;
  std::unique_ptr<Judge> judge_;
  report::LossTarget report_;
};

}  // namespace ompq::search
