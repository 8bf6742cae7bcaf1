#pragma once

#include <string>

#include "ompq/commands/context.h"
#include "ompq/pipeline/model.h"
#include "ompq/search/quality_judge.h"

namespace ompq::commands {

/// Judges allocations by the file that `quantize` writes for each, with the options that the
/// command shares with it: by Context::judge or --eval-command. Without either, it judges nothing.
/// @param method  of rounding, for these files.
/// @param context  must outlive the result.
[[nodiscard]] search::QualityJudge judge_of(const Context& context,
                                            const pipeline::Model& model,
                                            const std::string& method);

}  // namespace ompq::commands
