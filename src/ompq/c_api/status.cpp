#include "ompq/c_api/status.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/out_of_memory.h"

namespace ompq::c_api {
namespace {

template <typename Kind>
bool is_kind(const Error& error) {
  return dynamic_cast<const Kind*>(&error) != nullptr;
}

bool is_any(const Error& /*error*/) { return true; }

/// A class of errors.
struct StatusRow {
  ompq_status status;
  const char* name;
  bool (*is)(const Error&);
};

// The last row matches all of them.
constexpr std::array<StatusRow, 11> kStatusRows{{
    {OMPQ_IMPORT_ERROR, "ImportError", is_kind<ImportError>},
    {OMPQ_UNSUPPORTED_OP, "UnsupportedOp", is_kind<UnsupportedOp>},
    {OMPQ_SHAPE_ERROR, "ShapeError", is_kind<ShapeError>},
    {OMPQ_DATA_ERROR, "DataError", is_kind<DataError>},
    {OMPQ_FILE_ERROR, "FileError", is_kind<FileError>},
    {OMPQ_OUT_OF_MEMORY, "OutOfMemory", is_kind<OutOfMemory>},
    {OMPQ_INFEASIBLE_BUDGET, "InfeasibleBudget", is_kind<InfeasibleBudget>},
    {OMPQ_CONFIG_ERROR, "ConfigError", is_kind<ConfigError>},
    {OMPQ_INTERRUPTED, "Interrupted", is_kind<Interrupted>},
    {OMPQ_INTERNAL_ERROR, "InternalError", is_kind<InternalError>},
    {OMPQ_OTHER_ERROR, "Error", is_any},
}};

Failure failure_of_own(const Error& error) {
  const auto row =
      std::ranges::find_if(kStatusRows, [&](const StatusRow& kind) { return kind.is(error); });
  return {row->status, error.where(), error.what()};
}

}  // namespace

const char* status_name(int status) {
  const auto row = std::ranges::find_if(
      kStatusRows, [&](const StatusRow& kind) { return kind.status == status; });
  return row == kStatusRows.end() ? "" : row->name;
}

Failure failure_of(const std::exception& error) {
  if (const auto* own = dynamic_cast<const Error*>(&error)) return failure_of_own(*own);
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return failure_of_own(out_of_memory());
  return failure_of_own(InternalError("ompq", lines_of(error.what())));
}

}  // namespace ompq::c_api
