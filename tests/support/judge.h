#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/tensor.h"

namespace ompq::testing {

struct JudgeOptions {
  /// ONNX Runtime's graph optimization: disabled, basic, extended or all.
  std::string optimization = "all";
  int threads = 1;
  /// Where to keep the network as ONNX Runtime rewrote it; nowhere if empty.
  std::filesystem::path save_optimized;
};

/// Runs a model in ONNX Runtime (onnxruntime-node, CPU), which shares no code with ompq.
/// @param inputs by name.
/// @return the outputs in the model's order.
/// @throws std::runtime_error with ONNX Runtime's own message if it refuses model or inputs.
[[nodiscard]] std::vector<Tensor> run_in_onnxruntime(const std::filesystem::path& model,
                                                     const std::map<std::string, Tensor>& inputs,
                                                     const JudgeOptions& options = {});
/// The same for a model in memory.
[[nodiscard]] std::vector<Tensor> run_bytes_in_onnxruntime(
    std::string_view model,
    const std::map<std::string, Tensor>& inputs,
    const JudgeOptions& options = {});

/// The runtimes that tests compare with. The versions are pinned in tests/judge.
enum class Judge {
  Node,      ///< onnxruntime-node 1.30
  Python,    ///< PyPI's onnxruntime 1.32
  Haswell,   ///< the same, in qemu on a processor with AVX2, without AVX-512 and VNNI
  Web,       ///< onnxruntime-web 1.30 (WebAssembly) in Chromium
  OpenVino,  ///< PyPI's openvino 2026.4
};

struct JudgeJob {
  std::filesystem::path model;
  std::map<std::string, Tensor> inputs;
  /// As JudgeOptions::optimization; for Judge::Python also layout.
  std::string optimization = "all";
};
/// What runs for a node, or for several nodes that the runtime computes at once.
struct CompiledLayer {
  std::string type;                ///< Convolution, FullyConnected, Eltwise, ...
  std::string precision;           ///< u8, i8, f32, ...
  std::vector<std::string> nodes;  ///< their names in the file
};
struct JudgeAnswer {
  std::vector<Tensor> outputs;        ///< in the model's order
  std::string refusal;                ///< the runtime's message; empty: it ran
  std::vector<CompiledLayer> layers;  ///< of OpenVino only
};

/// Runs all jobs in one process. Jobs whose inputs are equal should stand one after the other.
/// @throws std::runtime_error where the process itself fails.
[[nodiscard]] std::vector<JudgeAnswer> run_jobs(Judge judge, const std::vector<JudgeJob>& jobs);

/// What is missing to run the judge; nothing if it is there (tests/judge/install.sh puts it there).
[[nodiscard]] std::optional<std::string> missing_judge(Judge judge = Judge::Node);

}  // namespace ompq::testing

/// Skips the test, visibly, where the runtime is not installed; fails it where OMPQ_REQUIRE_JUDGE
/// is set, as it is for the tests that are to prove something.
#define OMPQ_JUDGE_OR_SKIP(...)                                                           \
  if (const auto missing = ::ompq::testing::missing_judge(__VA_ARGS__)) {                 \
    if (std::getenv("OMPQ_REQUIRE_JUDGE") != nullptr) FAIL() << "no judge: " << *missing; \
    GTEST_SKIP() << "no judge: " << *missing << "; tests/judge/install.sh installs it";   \
  }                                                                                       \
  static_assert(true)
