#include "ompq/training/check_options.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/training/optimizers.h"
#include "ompq/training/schedules.h"

namespace ompq::training {
namespace {

struct Bound {
  std::string_view name;
  double value;
  double min;
  double max;
};

void check_bound(const Bound& bound) {
  if (bound.value >= bound.min && bound.value <= bound.max) return;
  throw ConfigError(
      "training",
      fmt::format("{} = {} is outside {}..{}", bound.name, bound.value, bound.min, bound.max));
}

}  // namespace

void check_options(const TrainerOptions& options) {
  (void)find_optimizer(options.optimizer.name);
  (void)find_schedule(options.schedule.name);
  constexpr double kLarge = 1e9;
  constexpr double kBelowOne = 1.0 - 1e-9;
  const OptimizerOptions& o = options.optimizer;
  const ScheduleOptions& s = options.schedule;
  const LossOptions& l = options.loss;
  for (const Bound& bound : {Bound{"rate", o.rate, 0.0, kLarge},
                             {"momentum", o.momentum, 0.0, kBelowOne},
                             {"first decay", o.first_decay, 0.0, kBelowOne},
                             {"second decay", o.second_decay, 0.0, kBelowOne},
                             {"epsilon", o.epsilon, 1e-30, kLarge},
                             {"weight decay", o.weight_decay, 0.0, kLarge},
                             {"clipping norm", o.clip_norm, 0.0, kLarge},
                             {"decay of clipping limits", o.clip_decay, 0.0, kLarge},
                             {"total steps", static_cast<double>(s.total_steps), 1.0, 1e15},
                             {"warm-up steps",
                              static_cast<double>(s.warmup_steps),
                              0.0,
                              static_cast<double>(s.total_steps)},
                             {"final share", s.final_share, 0.0, 1.0},
                             {"gamma", s.gamma, 0.0, 1.0},
                             {"milestones", static_cast<double>(s.milestones), 0.0, 1000.0},
                             {"label smoothing", l.label_smoothing, 0.0, kBelowOne},
                             {"share of distillation", l.distillation, 0.0, 1.0},
                             {"temperature", l.temperature, 1e-3, 1e3},
                             {"accumulation", static_cast<double>(options.accumulation), 1.0, 1e6},
                             {"decay of averages", options.average_decay, 0.0, kBelowOne}}) {
    check_bound(bound);
  }
}

}  // namespace ompq::training
