#include "checkpoint.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq::examples {
namespace {

constexpr std::string_view kPlace = "train_fashion_mnist";

using TensorDict = c10::Dict<std::string, at::Tensor>;

struct Stored {
  std::string run;
  int epochs_done = 0;
  c10::impl::GenericDict tensors;
};

Stored parse(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  try {
    const auto parts = torch::jit::pickle_load({text.begin(), text.end()}).toTuple();
    return {parts->elements().at(0).toStringRef(),
            static_cast<int>(parts->elements().at(1).toInt()),
            parts->elements().at(2).toGenericDict()};
  } catch (const std::exception&) {
    throw DataError(kPlace,
                    fmt::format("{} is no checkpoint of this program; remove it or pass another "
                                "--checkpoint",
                                file.string()));
  }
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const TrainingState& state) {
  TensorDict tensors;
  for (const auto& [name, value] : state.tensors) tensors.insert(name, value);
  const std::vector<char> bytes = torch::jit::pickle_save(c10::ivalue::Tuple::create(
      {c10::IValue(state.run), c10::IValue(state.epochs_done), c10::IValue(tensors)}));
  write_file_atomically(file, std::string_view(bytes.data(), bytes.size()));
}

void load_checkpoint(const std::filesystem::path& file, TrainingState& state) {
  if (!std::filesystem::exists(file)) return;
  const Stored stored = parse(file);
  if (stored.run != state.run) {
    throw ConfigError(kPlace,
                      fmt::format("{} belongs to a run with other options ({}; asked for are {}); "
                                  "remove it or pass another --checkpoint",
                                  file.string(),
                                  stored.run,
                                  state.run));
  }
  for (auto& [name, value] : state.tensors) {
    const bool known = stored.tensors.contains(name);
    if (!known || stored.tensors.at(name).toTensor().sizes() != value.sizes()) {
      throw DataError(kPlace,
                      fmt::format("{} holds no tensor {} of this network's shape: it belongs to "
                                  "another network; remove it or pass another --checkpoint",
                                  file.string(),
                                  name));
    }
    value.copy_(stored.tensors.at(name).toTensor());
  }
  state.epochs_done = stored.epochs_done;
}

}  // namespace ompq::examples
