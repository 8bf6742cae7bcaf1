#pragma once

#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// What `ompq inspect` shows of a model.
[[nodiscard]] report::Inspection inspect(const Model& model);

}  // namespace ompq::pipeline
