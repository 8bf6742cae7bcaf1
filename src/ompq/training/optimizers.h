#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/training/parameters.h"
#include "ompq/training/training_options.h"

namespace ompq::training {

/// Moments of one parameter, with its shape.
struct Moments {
  at::Tensor first;   ///< momentum (sgd), mean of gradients (adamw)
  at::Tensor second;  ///< mean of squared gradients (adamw); undefined if not used
};

struct OptimizerStep {
  double rate = 0.1;
  double weight_decay = 0.0;  ///< of this parameter
  std::int64_t number = 1;    ///< counts from 1
};

/// An optimizer. `update` changes value and moments in place.
struct OptimizerRow {
  std::string_view name;
  std::string_view text;
  bool second_moment = false;
  void (*update)(std::span<float> value,
                 std::span<const float> gradient,
                 std::span<float> first,
                 std::span<float> second,
                 const OptimizerStep& step,
                 const OptimizerOptions& options);
};

/// sgd (momentum as in Sutskever et al. 2013 and LibTorch: m = momentum m + g), adamw (Loshchilov
/// and Hutter 2019).
[[nodiscard]] std::span<const OptimizerRow> optimizers();
/// @throws ConfigError for an unknown name.
[[nodiscard]] const OptimizerRow& find_optimizer(std::string_view name);

/// Zero moments for each parameter.
[[nodiscard]] std::vector<Moments> make_moments(const OptimizerRow& optimizer,
                                                std::span<const Parameter> parameters);

/// Clips the global L2 norm of the gradients to `limit`; 0: no clipping. @return the norm before
/// clipping, which may be NaN or infinite.
double clip_gradients(std::span<const Parameter> parameters, double limit);

/// One step of every parameter with a gradient. Weight decay is applied only to weights.
void apply_gradients(const OptimizerRow& optimizer,
                     const OptimizerOptions& options,
                     double rate,
                     std::int64_t number,
                     std::span<Parameter> parameters,
                     std::span<Moments> moments);

/// averages = decay x averages + (1 - decay) x values, where decay counts up from 0 so that
/// the first steps are forgotten: min(decay, (1 + number) / (10 + number)).
void update_averages(double decay,
                     std::int64_t number,
                     std::span<const at::Tensor> values,
                     std::span<at::Tensor> averages);

}  // namespace ompq::training
