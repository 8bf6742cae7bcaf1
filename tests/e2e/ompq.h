#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/paths.h"
#include "support/program.h"

namespace ompq::testing {

/// Runs the program that was just built.
inline ProgramResult ompq(std::vector<std::string> arguments, const ProgramOptions& options = {}) {
  arguments.insert(arguments.begin(), OMPQ_PROGRAM);
  return run_program(arguments, options);
}

inline std::string shipped_model(const std::string& name = "resnet20-fashion-mnist") {
  return (source_dir() / "models" / (name + ".onnx")).string();
}

/// `ompq COMMAND MODEL --data FASHION-MNIST ...`
inline std::vector<std::string> on_fashion_mnist(const std::string& command,
                                                 const std::string& model,
                                                 const std::vector<std::string>& more) {
  std::vector<std::string> arguments{command, model, "--data", OMPQ_FASHION_MNIST, "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace ompq::testing
