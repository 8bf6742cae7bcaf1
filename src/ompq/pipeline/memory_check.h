#pragma once

#include <cstdint>
#include <filesystem>

#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// Checks --memory before a file is imported, from the file's size. @throws ConfigError
void check_memory_to_load(const std::filesystem::path& file);

/// Checks that the machine has the memory for a pass of one sample: Linux grants more than there
/// is, and ends the process when it is used. @throws OutOfMemory
void check_machine_memory(const Model& model);

/// Takes the memory of the network's weights from --memory (core/memory_budget.h) and checks that
/// the rest suffices for a pass with the fewest samples and, if `gradients`, its gradients.
/// @throws ConfigError with the memory that would suffice.
void check_memory(const Model& model, bool gradients);

/// Checks that --memory suffices for training steps of `batch` samples, which are not divided.
/// @throws ConfigError with the memory or the batch that would suffice.
void check_training_memory(const Model& model, std::int64_t batch);

}  // namespace ompq::pipeline
