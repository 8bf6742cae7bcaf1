#pragma once

#include <filesystem>
#include <string_view>

/// Names of files next to the network that a command writes.
namespace ompq::pipeline {

/// `output` followed by `ending`.
[[nodiscard]] std::filesystem::path beside(const std::filesystem::path& output,
                                           std::string_view ending);
/// out.onnx -> out.onnx.journal: finished units of long work.
[[nodiscard]] std::filesystem::path journal_file(const std::filesystem::path& output);
/// out.onnx -> out.onnx.checkpoint: the state of a training run.
[[nodiscard]] std::filesystem::path checkpoint_file(const std::filesystem::path& output);
/// out.onnx -> out.last.onnx: the network of the last epoch.
[[nodiscard]] std::filesystem::path last_file(const std::filesystem::path& output);

}  // namespace ompq::pipeline
