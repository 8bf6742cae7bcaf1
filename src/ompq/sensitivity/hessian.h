#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// hessian: 1/2 (average trace of the layer's Hessian) |W_q - W|^2, in nats. The loss is the cross
/// entropy with the float network's own softmax p as the target, so no labels are needed. Its
/// gradient with respect to the scores is zero there, so its Hessian is exactly J' (diag(p) - p p')
/// J, J the Jacobian of the scores, and Hutchinson's estimator can use random signs r for the
/// scores: with A A' = diag(p) - p p', trace = E |J' A r|^2, one backward pass for all layers.
/// Random signs for the weights would need a Hessian product instead, and estimates of layers with
/// small traces would be dominated by the noise of others with the same probe.
///
/// If the first output is not class scores, the loss is 1/2 |y - y_float|^2, and the value is
/// (average trace) |W_q - W|^2 / E|y|^2, a relative squared error as output-mse.
///
/// Cost: one forward and one backward pass per probe, with samples per pass as in fisher.
/// Source: Dong et al. 2020 (HAWQ-V2), Yao et al. 2021 (HAWQ-V3); Hutchinson 1990; Martens 2020 for
/// the product form of the Hessian.
[[nodiscard]] std::unique_ptr<Meter> make_hessian(const MeterContext& context);

}  // namespace ompq::sensitivity
