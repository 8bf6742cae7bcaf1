#pragma once

#include <optional>

#include "ompq/pipeline/model.h"
#include "ompq/report/integer_kernels.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::ptq {

/// Which layers of the network run on integers with these codes (targets::integer_coverage).
/// Nullopt for targets without integer kernels and with float activations.
/// @param written  the network of pipeline::assemble_network(), with the weights and biases of the
/// file.
[[nodiscard]] std::optional<report::IntegerKernels> integer_kernels_of(
    const pipeline::Model& model, const rounding::NetworkCodes& codes, const graph::Graph& written);

}  // namespace ompq::ptq
