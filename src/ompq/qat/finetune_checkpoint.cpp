#include "ompq/qat/finetune_checkpoint.h"

#include <cstring>
#include <span>

#include <fmt/format.h>

#include "ompq/core/append_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/named_tensors_file.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"

namespace ompq::qat {
namespace {

constexpr std::string_view kCheckpointFormat = "ompq-finetune-checkpoint/1";
constexpr std::string_view kBestFile = "best file";
constexpr std::string_view kBestData = "best data";
constexpr std::string_view kState = "state/";

namespace fs = std::filesystem;

/// TrainingProgress as a checkpoint keeps it, without the best epoch's network.
struct KeptProgress {
  TrainingProgress progress;
  std::vector<std::string> epochs;  ///< a record each, as in --log
  std::optional<BestEpoch> best;
};

template <typename Visitor, fields::Of<KeptProgress> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("KeptProgress", "");
  v("epoch", s.progress.epoch, "epochs finished", fields::kCount);
  v("batch", s.progress.batch, "finished batches of the current epoch", fields::kCount);
  v("loss_sum", s.progress.loss_sum, "sum over its samples so far");
  v("correct", s.progress.correct, "", fields::kCount);
  v("samples", s.progress.samples, "", fields::kCount);
  v("seconds", s.progress.seconds, "", fields::kCount);
  v("rate", s.progress.rate, "learning rate of the last step");
  v("epochs", s.epochs, "one record per epoch, as in --log");
  v("best", s.best, "the best epoch so far");
}

std::string metadata_of(const TrainingProgress& progress) {
  KeptProgress kept{.progress = progress, .epochs = {}, .best = {}};
  for (const auto& record : progress.epochs) kept.epochs.push_back(report::to_json_line(record));
  if (progress.best.epoch > 0) kept.best = progress.best;
  return fields::text_of(fields::to_json(kept));
}

TrainingProgress progress_from(const std::filesystem::path& file, const std::string& text) {
  const fields::Source source{
      .place = file.string(), .remedy = "remove it to train from the start", .finite = true};
  auto kept = fields::from_json<KeptProgress>(fields::parse(text, source), source);
  TrainingProgress progress = std::move(kept.progress);
  for (const std::string& line : kept.epochs) {
    progress.epochs.push_back(report::epoch_record_from(line));
  }
  if (kept.best) progress.best = std::move(*kept.best);
  return progress;
}

/// @throws DataError for progress that no run has, whoever wrote it.
void check_progress(const fs::path& file, const TrainingProgress& at) {
  const auto require = [&](bool holds, std::string_view what) {
    if (!holds) throw DataError(file.string(), fmt::format("{}; remove it", what));
  };
  require(
      static_cast<std::int64_t>(at.epochs.size()) == at.epoch,
      fmt::format("it has records of {} epochs, but {} are finished", at.epochs.size(), at.epoch));
  for (std::size_t e = 0; e < at.epochs.size(); ++e) {
    require(at.epochs[e].epoch == static_cast<std::int64_t>(e) + 1, "its epochs are not in order");
  }
  require(at.best.epoch <= at.epoch, "its best epoch is not finished");
  require(at.correct <= at.samples, "it has more correct samples than samples");
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
  check_progress(file, checkpoint.progress);
  if (checkpoint.progress.best.epoch > 0) {
    checkpoint.progress.best.file = {.model = bytes_of(tensor_named(file, content, kBestFile)),
                                     .data = bytes_of(tensor_named(file, content, kBestData))};
  }
  return checkpoint;
}

/// Renames an unusable checkpoint instead of deleting it: its training may have taken days.
void set_aside(const fs::path& file, std::string_view reason) {
  fs::path target;
  try {
    target = move_aside(file);
  } catch (const FileError& error) {
    throw FileError(file.string(),
                    fmt::format("{}, and it {}; remove it, or name another file with --checkpoint",
                                reason,
                                error.reason()));
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

std::optional<Checkpoint> read_checkpoint(const fs::path& file,
                                          const TrainingIdentity& identity,
                                          const UseCheckpoint& use) {
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
    if (difference.empty()) {
      Checkpoint checkpoint = checkpoint_from(file, content);
      if (use) use(checkpoint);
      return checkpoint;
    }
    set_aside(file, fmt::format("it is from another run: {}", difference));
  } catch (const DataError& error) {
    const std::string reason = error.reason();  // ends with a remedy that does not apply here
    set_aside(file, std::string_view(reason).substr(0, reason.rfind(';')));
  }
  return std::nullopt;
}

}  // namespace ompq::qat
