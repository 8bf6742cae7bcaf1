#pragma once

#include <cstdint>

#include "ompq/quant/quantized_tensor.h"

namespace ompq::rounding {

/// Gives one channel another scale and rounds its weights again. Where no level is zero they keep
/// their codes; with normal levels the channel gets a level at zero, so this is for weights that
/// are small compared with the new scale.
void rescale_channel(quant::QuantizedTensor& weight, std::int64_t channel, float scale);

/// Makes the scales of a weight encodable as short scales (quant::encode_scales): a scale that is
/// too small beside the largest one is raised, and the scale of a channel of zeros, which may be
/// any, becomes the largest of the others. Dead channels, whose weights are almost zero, need this:
/// a file would store four bytes for each scale of the weight instead of one.
/// @return the number of changed channels.
int narrow_scales(quant::QuantizedTensor& weight);

}  // namespace ompq::rounding
