#include "ompq/search/sample_roles.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "ompq/core/random.h"

namespace ompq::search {
namespace {

/// Fewer for refinement and check together decide nothing.
constexpr std::size_t kFewest = 16;

/// Hands out samples in their order.
class Supply {
 public:
  explicit Supply(const std::vector<std::int64_t>& samples) : samples_(samples) {}
  std::vector<std::int64_t> take(std::size_t count) {
    const auto first = samples_.begin() + static_cast<std::ptrdiff_t>(next_);
    next_ += count;
    return {first, first + static_cast<std::ptrdiff_t>(count)};
  }
  std::vector<std::int64_t> rest() { return take(samples_.size() - next_); }

 private:
  const std::vector<std::int64_t>& samples_;
  std::size_t next_ = 0;
};

/// All roles but rounding_for_check.
SampleRoles dealt_roles(const std::vector<std::int64_t>& calibration,
                        const std::vector<std::int64_t>& more,
                        std::uint64_t seed) {
  const std::size_t count = calibration.size();
  if (count < 4) {
    return {.rounding = calibration,
            .measuring = calibration,
            .ranking = calibration,
            .ranges = calibration};
  }
  SampleRoles roles{.ranges = calibration};
  Random(seed).split("roles").shuffle(roles.ranges);
  Supply own(roles.ranges);
  if (more.size() >= kFewest) {
    roles.measuring = own.take(count / 2);
    roles.ranking = own.rest();
    Supply others(more);
    roles.rounding = others.take(more.size() / 3);
    roles.refining = others.take(more.size() / 3);
    roles.checking = others.rest();
    return roles;
  }
  const bool few = count < kFewest;
  roles.measuring = own.take(few ? count / 2 : count * 3 / 8);
  roles.rounding = roles.measuring;
  if (few) {
    roles.ranking = own.rest();
    return roles;
  }
  roles.ranking = own.take(count / 4);
  roles.refining = own.take(count * 3 / 16);
  roles.checking = own.rest();
  return roles;
}

std::vector<std::int64_t> rounding_for_check(const SampleRoles& roles) {
  std::vector<std::int64_t> all = roles.rounding;
  if (roles.rounding != roles.measuring) return all;
  for (const auto* role : {&roles.ranking, &roles.refining}) {
    if (*role != roles.measuring) all.insert(all.end(), role->begin(), role->end());
  }
  return all;
}

}  // namespace

SampleRoles roles_of(const std::vector<std::int64_t>& calibration,
                     const std::vector<std::int64_t>& more,
                     std::uint64_t seed) {
  SampleRoles roles = dealt_roles(calibration, more, seed);
  roles.rounding_for_check = rounding_for_check(roles);
  return roles;
}

std::vector<std::string> fit_to_time(SampleRoles& roles,
                                     double pass_seconds,
                                     double time_limit_seconds,
                                     bool compensated) {
  struct Share {
    const char* step;
    std::vector<std::int64_t>& samples;
    double time;    // of the whole
    double passes;  // of each sample
  };
  // A pass with quantizers takes longer; where the ranking decides, it gets more samples.
  const double ranked = compensated ? 25 * kPassesOfJudging : 25;
  std::vector<Share> shares{{"ranking", roles.ranking, 0.15, ranked},
                            {"refining", roles.refining, 0.1, 10}};
  if (compensated) {
    constexpr double kChecks = 6;
    shares.push_back({"checking", roles.checking, 0.15, kChecks * kPassesOfJudging});
    shares.push_back(
        {"rounding for the check", roles.rounding_for_check, 0.15, kChecks * kPassesOfRounding});
  } else {
    shares.push_back({"checking", roles.checking, 0.1, 5});
  }
  shares.push_back({"activation ranges", roles.ranges, 0.1, 1.5});
  constexpr std::size_t kLeast = 8;
  std::vector<std::string> left_out;
  for (const Share& share : shares) {
    const double fitting = share.time * time_limit_seconds / (share.passes * pass_seconds);
    const std::size_t all = share.samples.size();
    if (fitting >= static_cast<double>(all) || all <= kLeast) continue;
    share.samples.resize(std::max(kLeast, static_cast<std::size_t>(std::max(fitting, 0.0))));
    left_out.push_back(
        fmt::format("{} on {} of {} samples", share.step, all - share.samples.size(), all));
  }
  return left_out;
}

}  // namespace ompq::search
