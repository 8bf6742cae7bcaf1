#pragma once

#include <array>

#include "ompq/core/option_binding.h"
#include "ompq/runtime/executor.h"

namespace ompq::runtime {

[[nodiscard]] constexpr auto enum_names(Precision) {
  return std::to_array<EnumName<Precision>>({{Precision::Float32, "float32"},
                                             {Precision::BFloat16, "bfloat16"},
                                             {Precision::Auto, "auto"}});
}

/// Without the precision, which one command uses for some of its passes and not for others.
template <typename Binder>
void bind_options(Binder& binder, ExecutorOptions& options) {
  binder.bind("threads", options.threads);
  binder.bind("device", options.device);
  binder.unbound("fuse", options.fuse);
}

}  // namespace ompq::runtime
