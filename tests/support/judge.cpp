#include "support/judge.h"

#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "support/paths.h"

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path judge_dir() { return source_dir() / "tests" / "judge"; }

DataType data_type_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(DataType::Bool); ++i) {
    if (name_of(static_cast<DataType>(i)) == name) return static_cast<DataType>(i);
  }
  throw std::runtime_error("judge: unknown element type " + name);
}

/// The format that tests/judge/tensors.mjs describes.
std::string to_text(const std::map<std::string, Tensor>& tensors) {
  json rows = json::array();
  std::string elements;
  for (const auto& [name, tensor] : tensors) {
    const auto bytes = tensor.bytes();
    rows.push_back({{"name", name},
                    {"type", name_of(tensor.type())},
                    {"shape", tensor.shape()},
                    {"offset", elements.size()},
                    {"bytes", bytes.size()}});
    elements.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  const std::string header = rows.dump();
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + elements;
}

std::vector<Tensor> from_text(const std::string& text) {
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), sizeof length);
  const std::size_t start = sizeof length + length;
  std::vector<Tensor> tensors;
  for (const json& row : json::parse(text.substr(sizeof length, length))) {
    const std::string bytes = text.substr(start + row["offset"].get<std::size_t>(), row["bytes"]);
    tensors.push_back(Tensor::from_bytes(
        data_type_named(row["type"]), row["shape"], std::as_bytes(std::span(bytes))));
  }
  return tensors;
}

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char letter : word) text += letter == '\'' ? "'\\''" : std::string(1, letter);
  return text + "'";
}

}  // namespace

std::optional<std::string> missing_judge() {
  static const auto missing = []() -> std::optional<std::string> {
    if (!fs::exists(judge_dir() / "node_modules" / "onnxruntime-node")) {
      return "onnxruntime-node is not installed in " + judge_dir().string();
    }
    if (std::system("node --version > /dev/null 2>&1") != 0) return "no program 'node'";
    return std::nullopt;
  }();
  return missing;
}

std::vector<Tensor> run_in_onnxruntime(const fs::path& model,
                                       const std::map<std::string, Tensor>& inputs,
                                       const JudgeOptions& options) {
  const TemporaryDirectory folder;
  write_file_atomically(folder / "inputs", to_text(inputs));
  std::string save;
  if (!options.save_optimized.empty()) {
    save = " --save-optimized " + quoted(options.save_optimized.string());
  }
  const std::string command =
      fmt::format("node {} {} --inputs {} --outputs {} --optimization {} --threads {}{} 2> {}",
                  quoted((judge_dir() / "run.mjs").string()),
                  quoted(model.string()),
                  quoted((folder / "inputs").string()),
                  quoted((folder / "outputs").string()),
                  options.optimization,
                  options.threads,
                  save,
                  quoted((folder / "errors").string()));
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error("ONNX Runtime: " + read_file(folder / "errors"));
  }
  return from_text(read_file(folder / "outputs"));
}

std::vector<Tensor> run_bytes_in_onnxruntime(std::string_view model,
                                             const std::map<std::string, Tensor>& inputs,
                                             const JudgeOptions& options) {
  const TemporaryDirectory folder;
  write_file_atomically(folder / "model.onnx", model);
  return run_in_onnxruntime(folder / "model.onnx", inputs, options);
}

}  // namespace ompq::testing
