#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ompq::search {

/// Which samples `auto` uses for what. Roles have no sample in common, unless there are fewer than
/// four samples.
struct SampleRoles {
  /// The rounding with which metrics are measured and candidates are ranked. Without further
  /// samples, those for measuring.
  std::vector<std::int64_t> rounding;
  std::vector<std::int64_t> measuring;  ///< metrics
  std::vector<std::int64_t> ranking;    ///< candidates, and neighbours of the one that is refined
  std::vector<std::int64_t> refining;   ///< whether a step is taken; empty: no refinement
  std::vector<std::int64_t> checking;   ///< the last choice; empty: the ranking decides
  /// The rounding of what is checked: the samples for rounding, or, if these are the ones for
  /// measuring, all but those for the check.
  std::vector<std::int64_t> rounding_for_check;
  /// Activation ranges of all networks that are run: the calibration samples, whatever their role.
  std::vector<std::int64_t> ranges;
};

/// Samples are dealt in a random order, since neighbours in a source are alike: with a folder for
/// each class, its first half has half of the classes.
/// @param calibration  samples that other steps use as well.
/// @param more  samples of the same source that no other step uses; may be empty. Then, from 16 on,
/// the calibration samples are divided among all roles, and below that between the first two, since
/// few samples cannot tell many choices apart.
[[nodiscard]] SampleRoles roles_of(const std::vector<std::int64_t>& calibration,
                                   const std::vector<std::int64_t>& more,
                                   std::uint64_t seed);

/// Leaves samples out of the roles of passes with a known number, if these would take too large a
/// part of the time; at least 8 remain. Measuring and refining stop by themselves.
/// @param pass_seconds  of one sample.
/// @param compensated  candidates are rounded with error compensation for the check.
/// @return what was left out.
[[nodiscard]] std::vector<std::string> fit_to_time(SampleRoles& roles,
                                                   double pass_seconds,
                                                   double time_limit_seconds,
                                                   bool compensated);

/// Passes of a sample that one check takes, about.
constexpr double kPassesOfRounding = 2.5;  ///< with error compensation
constexpr double kPassesOfJudging = 2;     ///< as the network will run

}  // namespace ompq::search
