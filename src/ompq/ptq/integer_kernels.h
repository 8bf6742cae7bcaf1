#pragma once

#include <optional>

#include "ompq/pipeline/model.h"
#include "ompq/report/integer_kernels.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::ptq {

/// Which layers of the network run on integers with these codes (targets::integer_coverage).
/// Nullopt for targets without integer kernels and with float activations.
[[nodiscard]] std::optional<report::IntegerKernels> integer_kernels_of(
    const pipeline::Model& model, const rounding::NetworkCodes& codes);

}  // namespace ompq::ptq
