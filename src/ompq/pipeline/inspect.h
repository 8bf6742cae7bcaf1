#pragma once

#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// The result of `ompq inspect` for a model.
[[nodiscard]] report::Inspection inspect(const Model& model);

}  // namespace ompq::pipeline
