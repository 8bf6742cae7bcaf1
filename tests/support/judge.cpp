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

std::optional<std::string> missing_node() {
  if (!fs::exists(judge_dir() / "node_modules" / "onnxruntime-node")) {
    return "onnxruntime-node is not installed in " + judge_dir().string();
  }
  if (std::system("node --version > /dev/null 2>&1") != 0) return "no program 'node'";
  return std::nullopt;
}

/// @param package  of PyPI, in tests/judge/requirements.txt.
std::optional<std::string> missing_python(const std::string& package) {
  const fs::path installed = judge_dir() / "venv" / "installed.txt";
  if (fs::exists(installed) && read_file(installed).find(package + "==") != std::string::npos) {
    return std::nullopt;
  }
  return fmt::format("PyPI's {} is not installed in {}", package, installed.parent_path().string());
}

std::optional<std::string> missing_emulator() {
  if (auto missing = missing_python("onnxruntime")) return missing;
  if (std::system("qemu-x86_64 --version > /dev/null 2>&1") == 0) return std::nullopt;
  return "no program 'qemu-x86_64' (Debian's package qemu-user)";
}

std::optional<std::string> missing_web() {
  if (auto missing = missing_node()) return missing;
  const TemporaryDirectory folder;
  const std::string command = fmt::format("node {} --missing > {} 2>&1",
                                          quoted((judge_dir() / "run_web.mjs").string()),
                                          quoted((folder / "missing").string()));
  const bool asked = std::system(command.c_str()) == 0;
  std::string missing = read_file(folder / "missing");
  while (missing.ends_with('\n')) missing.pop_back();
  if (asked && missing.empty()) return std::nullopt;
  return missing;
}

std::optional<std::string> find_missing(Judge judge) {
  switch (judge) {
    case Judge::Node:
      return missing_node();
    case Judge::Python:
      return missing_python("onnxruntime");
    case Judge::Haswell:
      return missing_emulator();
    case Judge::Web:
      return missing_web();
    case Judge::OpenVino:
      return missing_python("openvino");
  }
  throw std::logic_error("unknown judge");
}

/// The command that runs a file of jobs, whose name follows.
std::string command_of(Judge judge) {
  const auto file = [](const char* name) { return quoted((judge_dir() / name).string()); };
  const std::string python = file("venv/bin/python") + " -E -s -B ";
  switch (judge) {
    case Judge::Node:
      return fmt::format("node {} --jobs", file("run.mjs"));
    case Judge::Python:
      return python + file("run_jobs.py");
    case Judge::Haswell:
      return "qemu-x86_64 -cpu Haswell " + python + file("run_jobs.py");
    case Judge::Web:
      return fmt::format("node {} --jobs", file("run_web.mjs"));
    case Judge::OpenVino:
      return python + file("run_openvino.py");
  }
  throw std::logic_error("unknown judge");
}

std::vector<CompiledLayer> read_layers(const fs::path& file) {
  std::vector<CompiledLayer> layers;
  if (!fs::exists(file)) return layers;
  for (const json& row : json::parse(read_file(file))) {
    layers.push_back({row["type"], row["precision"], row["names"]});
  }
  return layers;
}

}  // namespace

std::optional<std::string> missing_judge(Judge judge) {
  static std::map<Judge, std::optional<std::string>> found;
  if (!found.contains(judge)) found[judge] = find_missing(judge);
  return found[judge];
}

std::vector<JudgeAnswer> run_jobs(Judge judge, const std::vector<JudgeJob>& jobs) {
  const TemporaryDirectory folder;
  json list = json::array();
  std::string inputs;
  std::string last;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::string text = to_text(jobs[i].inputs);
    if (i == 0 || text != last) {
      inputs = (folder / fmt::format("inputs{}", i)).string();
      write_file_atomically(inputs, text);
      last = text;
    }
    list.push_back({{"model", jobs[i].model.string()},
                    {"inputs", inputs},
                    {"outputs", (folder / fmt::format("outputs{}", i)).string()},
                    {"optimization", jobs[i].optimization}});
  }
  write_file_atomically(folder / "jobs", list.dump());
  const std::string command = fmt::format("{} {} > {} 2> {}",
                                          command_of(judge),
                                          quoted((folder / "jobs").string()),
                                          quoted((folder / "answers").string()),
                                          quoted((folder / "errors").string()));
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error("the judge failed: " + read_file(folder / "errors"));
  }
  const json refusals = json::parse(read_file(folder / "answers"));
  std::vector<JudgeAnswer> answers(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (refusals.at(i).is_string()) {
      answers[i].refusal = refusals.at(i).get<std::string>();
    } else {
      const fs::path outputs = folder / fmt::format("outputs{}", i);
      answers[i].outputs = from_text(read_file(outputs));
      answers[i].layers = read_layers(outputs.string() + ".layers");
    }
  }
  return answers;
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
