#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// hessian: 1/2 (average trace of the layer's Hessian) |W_q - W|^2, in nats. The loss is the cross
/// entropy with the float network's own softmax p as the target, so no labels are needed. Its
/// gradient with respect to the scores is zero there, so its Hessian is exactly J' (diag(p) - p p')
/// J, J the Jacobian of the scores, and Hutchinson's estimator may draw its random signs r on the
/// side of the scores: with A A' = diag(p) - p p', trace = E |J' A r|^2, one backward pass for all
/// layers. Signs on the side of the weights would need a Hessian product instead, and the estimate
/// of a dull layer would drown in the noise of the lively ones that it shares a probe with.
///
/// Where the first output is no class scores, the loss is 1/2 |y - y_float|^2, and the value is
/// (average trace) |W_q - W|^2 / E|y|^2, a relative squared error as output-mse.
///
/// Passes: one forward and one backward a probe, samples at once as in fisher.
/// Source: Dong et al. 2020 (HAWQ-V2), Yao et al. 2021 (HAWQ-V3); Hutchinson 1990; Martens 2020 for
/// the product form of the Hessian.
[[nodiscard]] std::unique_ptr<Meter> make_hessian(const MeterContext& context);

}  // namespace ompq::sensitivity
