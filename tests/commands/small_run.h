#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/commands/context.h"
#include "ompq/core/random.h"
#include "ompq/data/npz.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::testing {

/// The values of a command with these options.
inline OptionValues values_of(std::string_view command, const GivenOptions& given) {
  return read_options(*find_command(command), given);
}

/// A folder with "net.onnx" (pipeline::small_model), "data.npz" (24 samples) and "eval.npz" (6).
class SmallRun {
 public:
  SmallRun() {
    onnx_io::export_onnx(pipeline::small_model().graph, folder_ / "net.onnx");
    write_samples("data.npz", 24);
    write_samples("eval.npz", 6);
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  /// "ompq COMMAND net.onnx --data data.npz MORE"; quantize and finetune: also --avg-bits 4 -o
  /// small.onnx.
  [[nodiscard]] commands::Context context(
      std::string_view command,
      std::map<std::string_view, std::vector<std::string>> more = {},
      std::set<std::string_view> flags = {}) const {
    GivenOptions given{.texts = std::move(more), .flags = std::move(flags)};
    given.texts.try_emplace("MODEL", std::vector<std::string>{path("net.onnx")});
    given.texts.try_emplace("data", std::vector<std::string>{path("data.npz")});
    if (command == "quantize" || command == "finetune") {
      given.texts.try_emplace("avg-bits", std::vector<std::string>{"4"});
      given.texts.try_emplace("output", std::vector<std::string>{path("small.onnx")});
    }
    return {.options = values_of(command, given)};
  }

 private:
  void write_samples(const std::string& name, std::int64_t count) {
    Tensor x(DataType::Float32, {count, 3, 8, 8});
    Random random(static_cast<std::uint64_t>(count));
    for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
    data::write_npz(folder_ / name, {{"x", x}});
  }

  TemporaryDirectory folder_;
};

}  // namespace ompq::testing
