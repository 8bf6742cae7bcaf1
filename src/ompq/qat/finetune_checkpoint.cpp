#include "ompq/qat/finetune_checkpoint.h"

#include <cstring>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/named_tensors_file.h"
#include "ompq/report/json_objects.h"

namespace ompq::qat {
namespace {

constexpr std::string_view kCheckpointFormat = "ompq-finetune-checkpoint/1";
constexpr std::string_view kBestFile = "best file";
constexpr std::string_view kBestData = "best data";
constexpr std::string_view kState = "state/";

namespace fs = std::filesystem;
using report::Json;

std::string metadata_of(const TrainingProgress& progress) {
  Json json = {{"epoch", progress.epoch},
               {"batch", progress.batch},
               {"loss_sum", progress.loss_sum},
               {"correct", progress.correct},
               {"samples", progress.samples},
               {"seconds", progress.seconds},
               {"rate", progress.rate},
               {"epochs", Json::array()}};
  for (const auto& record : progress.epochs) json["epochs"].push_back(report::to_json_line(record));
  if (progress.best.epoch > 0) {
    json["best"] = {{"epoch", progress.best.epoch},
                    {"score", progress.best.score},
                    {"evaluation", report::object(progress.best.evaluation)}};
  }
  return json.dump();
}

TrainingProgress progress_from(const std::filesystem::path& file, const std::string& text) {
  TrainingProgress progress;
  try {
    const Json json = Json::parse(text);
    progress.epoch = json.at("epoch").get<std::int64_t>();
    progress.batch = json.at("batch").get<std::int64_t>();
    progress.loss_sum = json.at("loss_sum").get<double>();
    progress.correct = json.at("correct").get<std::int64_t>();
    progress.samples = json.at("samples").get<std::int64_t>();
    progress.seconds = json.at("seconds").get<double>();
    progress.rate = json.at("rate").get<double>();
    for (const Json& line : json.at("epochs")) {
      progress.epochs.push_back(report::epoch_record_from(line.get<std::string>()));
    }
    if (json.contains("best")) {
      const Json& best = json["best"];
      progress.best = {.epoch = best.at("epoch").get<std::int64_t>(),
                       .score = best.at("score").get<double>(),
                       .file = {},
                       .evaluation = report::evaluation_from(best.at("evaluation"))};
    }
  } catch (const Json::exception& error) {
    throw DataError(
        file.string(),
        fmt::format("its training state cannot be read ({}); remove it to train from the start",
                    error.what()));
  }
  return progress;
}

Tensor bytes_tensor(const std::string& bytes) {
  return Tensor::from_bytes(DataType::UInt8,
                            {static_cast<std::int64_t>(bytes.size())},
                            std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::string bytes_of(const Tensor& tensor) {
  const auto bytes = tensor.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Checkpoint checkpoint_from(const fs::path& file, const NamedTensors& content) {
  Checkpoint checkpoint{.progress = progress_from(file, content.metadata), .state = {}};
  for (const auto& [name, tensor] : content.tensors) {
    if (name.starts_with(kState)) checkpoint.state.emplace(name.substr(kState.size()), tensor);
  }
  if (checkpoint.progress.best.epoch > 0) {
    checkpoint.progress.best.file = {.model = bytes_of(tensor_named(file, content, kBestFile)),
                                     .data = bytes_of(tensor_named(file, content, kBestData))};
  }
  return checkpoint;
}

/// Renames an unusable checkpoint instead of deleting it: its training may have taken days.
void set_aside(const fs::path& file, std::string_view reason) {
  fs::path target;
  for (int i = 1; target.empty() || fs::exists(target); ++i) {
    target = fmt::format("{}.{}", file.string(), i);
  }
  std::error_code code;
  fs::rename(file, target, code);
  if (code) {
    throw FileError(file.string(),
                    fmt::format("{}, and it cannot be moved to {}: {}; remove it, or name another "
                                "file with --checkpoint",
                                reason,
                                target.string(),
                                code.message()));
  }
  log().warn("{} is not used ({}); it was moved to {}, and training starts from the beginning",
             file.string(),
             reason,
             target.string());
}

}  // namespace

void write_checkpoint(const std::filesystem::path& file,
                      const TrainingIdentity& identity,
                      const TrainingProgress& progress,
                      const training::TrainingState& state) {
  NamedTensors content{.format = std::string(kCheckpointFormat),
                       .fingerprint = identity.fingerprint,
                       .options = identity.options,
                       .metadata = metadata_of(progress),
                       .tensors = {}};
  for (const auto& [name, tensor] : state) {
    content.tensors.emplace_back(std::string(kState) + name, tensor);
  }
  if (progress.best.epoch > 0) {
    const onnx_io::OnnxFile& best = progress.best.file;
    content.tensors.emplace_back(kBestFile, bytes_tensor(best.model));
    content.tensors.emplace_back(kBestData, bytes_tensor(best.data));
  }
  write_named_tensors(file, content);
}

void check_checkpoint_name(const fs::path& file) {
  if (!fs::exists(file) || is_named_tensors_file(file)) return;
  throw DataError(file.string(),
                  "it is not a checkpoint of ompq, and the training state would overwrite it; move "
                  "it, or name another file with --checkpoint");
}

std::optional<Checkpoint> read_checkpoint(const fs::path& file, const TrainingIdentity& identity) {
  if (!fs::exists(file)) return std::nullopt;
  check_checkpoint_name(file);
  try {
    const NamedTensors content = read_named_tensors(file, kCheckpointFormat);
    const std::string difference = difference_of_runs(content,
                                                      {.format = {},
                                                       .fingerprint = identity.fingerprint,
                                                       .options = identity.options,
                                                       .metadata = {},
                                                       .tensors = {}});
    if (difference.empty()) return checkpoint_from(file, content);
    set_aside(file, fmt::format("it is from another run: {}", difference));
  } catch (const DataError& error) {
    const std::string reason = error.reason();  // ends with a remedy that does not apply here
    set_aside(file, std::string_view(reason).substr(0, reason.rfind(';')));
  }
  return std::nullopt;
}

}  // namespace ompq::qat
