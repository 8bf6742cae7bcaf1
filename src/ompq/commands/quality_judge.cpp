#include "ompq/commands/quality_judge.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "ompq/allocation/allocation_file.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/file_quality.h"
#include "ompq/core/error.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "ompq/ptq/rounding_method.h"

namespace ompq::commands {
namespace {

namespace fs = std::filesystem;

/// A new folder, removed at the end of its lifetime.
class ScratchFolder {
 public:
  ScratchFolder() : path_((fs::temp_directory_path() / "ompq-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw FileError(path_, "cannot be created; set TMPDIR to a folder with space");
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string file(const char* name) const {
    return (fs::path(path_) / name).string();
  }

 private:
  std::string path_;
};

/// False for what the allocation takes the place of, for options of other rounding methods, and for
/// the outputs and the work of the command itself.
bool is_shared(const OptionRecord& record, const ptq::MethodRow& method) {
  static const std::set<std::string_view> replaced{"Budget", "Allocation", "By hand"};
  static const std::set<std::string_view> own{"eval-command", "explain", "method", "effort"};
  if (record.writes || replaced.contains(record.group) || own.contains(record.name)) return false;
  const auto of_methods = ptq::options_of_methods();
  return std::ranges::find(of_methods, record.name) == of_methods.end() ||
         ptq::reads_option(method, record.name);
}

/// `quantize` of one allocation, with the options that it shares with the command.
Context quantize_context(const Context& context,
                         const ScratchFolder& folder,
                         const std::string& method) {
  const std::vector<OptionRecord> records = all_records(*find_command("quantize"));
  Context point{.options = OptionValues::defaults(records),
                .arrays = context.arrays,
                .progress = context.progress};
  for (const OptionRecord& record : records) {
    const bool given = context.options.knows(record.name) && context.options.given(record.name);
    if (given && is_shared(record, ptq::method_row(method))) {
      point.options.take(context.options, record.name);
    }
  }
  point.options.set("allocation", folder.file("bits.json"));
  point.options.set("output", folder.file("network.onnx"));
  point.options.set("method", method);
  point.options.set("beside", std::vector<std::string>{"none"});
  point.options.set("limit", std::int64_t{1});  // the file is judged, not what ompq measures of it
  point.options.apply_conditional_fallbacks(records);
  return point;
}

}  // namespace

search::QualityJudge judge_of(const Context& context,
                              const pipeline::Model& model,
                              const std::string& method) {
  const std::optional<double> float_quality = quality_of(context, model.file);
  if (!float_quality) return {};
  const auto folder = std::make_shared<ScratchFolder>();
  const auto point = std::make_shared<Context>(quantize_context(context, *folder, method));
  return {.float_quality = *float_quality,
          .quality_of = [&context, folder, point](const allocation::AllocationFile& file) {
            allocation::write_allocation(folder->file("bits.json"), file);
            static_cast<void>(quantize(*point));
            return quality_of(context, folder->file("network.onnx")).value();
          }};
}

}  // namespace ompq::commands
