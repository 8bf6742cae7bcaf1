#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq.h"
#include "ompq/c_api/status.h"
#include "ompq/options.h"
#include "ompq/report/html.h"

namespace ompq::c_api {

/// One call of a command with its options, its result and its error, if there is one. Functions
/// throw what failed; guarded() keeps the first error.
class Run {
 public:
  /// Calls `work` unless there was an error, and keeps the error that it throws.
  /// @return the status.
  template <typename Work>
  int guarded(const Work& work) noexcept {
    if (failure_.status != OMPQ_OK) return failure_.status;
    try {
      work();
    } catch (const std::exception& error) {
      keep(error);
    } catch (...) {
      keep_unknown();
    }
    return failure_.status;
  }

  /// @throws ConfigError for an unknown command.
  void set_command(std::string_view command);
  /// @throws as set_json_options().
  void set_options(std::string_view json);
  /// @throws DataError naming the array whose element type is not one of ompq; ConfigError for an
  /// option that takes no samples.
  void add_array(const std::string& option,
                 const std::string& name,
                 std::string_view dtype,
                 std::span<const std::int64_t> shape,
                 const void* data);
  void set_progress(ompq_progress_handler handler, void* context);
  /// @throws ConfigError for a command without --eval-command.
  void set_evaluate(ompq_evaluate_handler handler, void* context);
  /// @throws ConfigError unless the command is "report".
  void add_result(std::string name, std::string json);
  void set_call(std::string call) { call_ = std::move(call); }
  void stop_on_sigint() { stop_on_sigint_ = true; }
  void cancel() noexcept { cancelled_.store(true); }

  /// @throws what the command throws.
  void execute();

  /// Null before a successful execution.
  [[nodiscard]] const char* result() const { return result_ ? result_->c_str() : nullptr; }
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  void keep(const std::exception& error) noexcept;
  void keep_unknown() noexcept;
  void report(const ProgressEvent& event) const;
  [[nodiscard]] double judge(const std::filesystem::path& file) const;
  /// @throws ConfigError if the command is "report", which has none.
  [[nodiscard]] Options& options();

  std::optional<Options> options_;            ///< nullopt: the command is "report"
  std::vector<report::RunDocument> results_;  ///< for "report"
  std::map<std::string, std::map<std::string, Array>> arrays_;
  ompq_progress_handler handler_ = nullptr;
  void* handler_context_ = nullptr;
  ompq_evaluate_handler evaluate_ = nullptr;
  void* evaluate_context_ = nullptr;
  std::string call_;
  bool stop_on_sigint_ = false;
  std::atomic<bool> cancelled_{false};
  std::optional<std::string> result_;
  Failure failure_;
};

}  // namespace ompq::c_api
