#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"

namespace ompq::data {

/// Loads the samples at `indices` batch by batch and passes each to `use`; only one batch is in
/// memory. Batches that skip_broken leaves empty are skipped. Progress counts samples as the task
/// `task`.
/// @throws Interrupted between batches; what Dataset::load and `use` throw.
void for_each_batch(Dataset& dataset,
                    const std::vector<std::int64_t>& indices,
                    std::int64_t batch_size,
                    const std::function<void(const Batch&)>& use,
                    std::string_view task = "samples",
                    const ProgressHandler& progress = {});

}  // namespace ompq::data
