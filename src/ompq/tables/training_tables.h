#pragma once

#include <string>

#include "ompq/report/finetuning.h"

namespace ompq::tables {

/// The table of epochs, printed line by line: heading and one line.
[[nodiscard]] std::string epoch_heading();
[[nodiscard]] std::string epoch_line(const report::EpochRecord& record);

[[nodiscard]] std::string finetuning_text(const report::Finetuning& finetuning);

}  // namespace ompq::tables
