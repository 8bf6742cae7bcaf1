#pragma once

#include <cstdint>
#include <string>

#include "ompq/training/network_options.h"

/// Training options, checked by check_options().
namespace ompq::training {

struct OptimizerOptions {
  std::string name = "sgd";     ///< a row of optimizers()
  double rate = 0.1;            ///< the maximum
  double momentum = 0.9;        ///< sgd
  bool nesterov = false;        ///< sgd
  double first_decay = 0.9;     ///< adamw
  double second_decay = 0.999;  ///< adamw
  double epsilon = 1e-8;        ///< adamw
  double weight_decay = 1e-4;   ///< for weights only, not for steps, norms and biases
  double clip_norm = 0.0;       ///< global L2 norm; 0: no clipping
  /// L2 on PACT's clipping limits.
  double clip_decay = 2e-4;
};

struct ScheduleOptions {
  std::string name = "cosine";      ///< a row of schedules()
  std::int64_t total_steps = 1000;  ///< of the optimizer
  std::int64_t warmup_steps = 0;    ///< linear from 0
  double final_share = 0.0;         ///< cosine: of the rate at the end
  double gamma = 0.1;               ///< step: factor at each milestone
  /// step: number of milestones, evenly spaced over the steps.
  int milestones = 2;
};

struct LossOptions {
  double label_smoothing = 0.0;
  /// Weight of distillation in the loss; 0: only labels, 1: no labels.
  double distillation = 0.0;
  double temperature = 1.0;
};

struct TrainerOptions {
  NetworkOptions network;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  LossOptions loss;
  std::int64_t accumulation = 1;  ///< batches per step
  double average_decay = 0.0;     ///< of moving averages of parameters and statistics; 0: none
  int threads = 0;                ///< 0: all cores
};

}  // namespace ompq::training
