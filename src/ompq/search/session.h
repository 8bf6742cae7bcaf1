#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "ompq/core/time_limit.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/results.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/auto_search.h"
#include "ompq/search/measurements.h"
#include "ompq/search/request_builder.h"
#include "ompq/search/rounded_weights.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// An allocation and its request.
struct SolvedRequest {
  allocation::AllocationRequest request;
  allocation::Allocation allocation;
  std::int64_t bytes = 0;                      ///< of its file
  std::optional<report::Portfolio> portfolio;  ///< of `auto`
};

/// Solves any budget with any allocator on one network and one set of samples. Measurements are
/// made when an allocator first needs them, or all at once by `prepare`, and are shared by all
/// budgets and allocators.
class SearchSession {
 public:
  SearchSession(const pipeline::Model& model,
                pipeline::Samples& samples,
                const SearchOptions& options,
                ProgressHandler progress = {});

  /// Measures everything that these allocators need, at once. `auto` measures separately: on half
  /// of the samples, so that the other half can be used for ranking.
  void prepare(const std::set<std::string>& allocators);

  /// @throws InfeasibleBudget; DataError if a required measurement is not possible.
  [[nodiscard]] SolvedRequest solve(const std::string& allocator, const allocation::Budget& budget);
  /// The bytes of the files with the narrowest and with the widest candidates, the smaller first:
  /// tables of narrow weights can take more than they save.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> file_sizes() const;
  /// True if pins, exclusions and candidates leave this allocator no choice, so that it needs no
  /// measurement.
  [[nodiscard]] bool leaves_no_choice(const std::string& allocator) const;
  /// Why the allocator cannot be used: a required measurement was dropped.
  [[nodiscard]] std::optional<std::string> unusable_reason(const std::string& allocator);

  /// Solves with the allocator `random` and its own seed. @throws InfeasibleBudget
  [[nodiscard]] SolvedRequest random(const allocation::Budget& budget, std::uint64_t seed);

  /// Measurements on all samples so far; empty if none were needed.
  [[nodiscard]] const Measurements& measurements() const { return all_; }
  /// Loss tables by metric: those on all samples, or, if only `auto` measured, its tables.
  [[nodiscard]] const std::map<std::string, sensitivity::LossTable>& losses() const;
  /// Dropped measurements with the reasons: names of metrics, "orm" for orthogonality, "pairwise"
  /// for interactions.
  [[nodiscard]] std::map<std::string, std::string> dropped() const { return dropped_; }
  /// The allocator's predicted loss of an allocation, lower is better; nullopt if it predicts none.
  [[nodiscard]] std::optional<double> prediction(const std::string& allocator,
                                                 const std::vector<int>& weight_bits);

 private:
  struct Automatic;
  struct TrialTime {
    double planned_seconds;
    Deadline deadline;                   ///< after which it is given up
    double sample_seconds;               ///< of a pass of one sample
    std::vector<std::string>& left_out;  ///< gets what the deadline leaves out
  };
  [[nodiscard]] Automatic& automatic();
  /// Measures once, in a part of the time until the deadline.
  [[nodiscard]] Automatic& automatic(const Deadline& deadline);
  /// Those of all allocators, or of the first ones if the deadline comes before; at least one.
  [[nodiscard]] std::vector<PortfolioCandidate> candidates(
      const allocation::AllocationRequest& free,
      const pipeline::FileSize& size,
      const Deadline& deadline,
      std::vector<std::string>& left_out);
  /// The optima for geometric means of the metrics that are first in `origins` (combine_metrics()).
  [[nodiscard]] std::vector<PortfolioCandidate> combined(const allocation::AllocationRequest& free,
                                                         const pipeline::FileSize& size,
                                                         const std::vector<std::string>& origins);
  /// The allocator's row; if nothing is left to choose, one that needs no measurements.
  [[nodiscard]] AllocatorRow row_of(const std::string& allocator) const;
  [[nodiscard]] MeasurementPlan plan_for(std::vector<std::string> metrics) const;
  [[nodiscard]] SolvedRequest solve_automatically(const allocation::AllocationRequest& free,
                                                  const pipeline::FileSize& size);
  /// Compensates the errors of rounding in `weights_`, once, if the options ask for it: before
  /// anything is measured.
  /// @param indices  the samples.
  /// @throws TimeIsUp as soon as it is clear that it will not end before the deadline.
  /// @param time  null: no limit.
  void compensate(std::vector<std::int64_t> indices, const TrialTime* time = nullptr);
  /// Records dropped measurements and warns once.
  void note(const std::map<std::string, std::string>& dropped);

  const pipeline::Model& model_;
  pipeline::Samples& samples_;
  const SearchOptions& options_;
  ProgressHandler progress_;
  RoundedWeights weights_;
  allocation::AllocationRequest free_;
  pipeline::FileSize size_;
  Measurements all_;
  std::set<std::string> measured_;  ///< metrics and other keys of Measurements
  std::map<std::string, std::string> dropped_;
  bool compensated_ = false;
  std::shared_ptr<Automatic> automatic_;
};

}  // namespace ompq::search
