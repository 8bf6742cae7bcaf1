#pragma once

#include <cstdint>

#include "ompq/quant/quantized_tensor.h"

namespace ompq::rounding {

/// Gives one channel another scale and rounds its weights again. Where no level is zero they keep
/// their codes; with normal levels the channel gets a level at zero, so this is for weights that
/// are small compared with the new scale.
void rescale_channel(quant::QuantizedTensor& weight, std::int64_t channel, float scale);

/// Makes the scales of a weight fit quant::encode_scales(). A scale that is too small compared with
/// the largest one is raised. A channel of zeros, which may have any scale, gets the largest one of
/// the other channels. Without this, one dead channel (weights of almost zero) makes the file store
/// four bytes instead of one for each scale of the weight.
/// @return the number of changed channels.
int narrow_scales(quant::QuantizedTensor& weight);

}  // namespace ompq::rounding
