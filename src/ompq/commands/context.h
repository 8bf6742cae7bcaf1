#pragma once

#include <functional>
#include <map>
#include <string>

#include "ompq/core/progress.h"
#include "ompq/data/named_arrays.h"
#include "ompq/options/options.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"

namespace ompq::commands {

/// Arrays in place of a file, by the option that would name the file: "data", "eval-data". What the
/// option itself holds is then the arrays' name, data::arrays_text().
using ArraySources = std::map<std::string, data::NamedArrays, std::less<>>;

/// What a command is given.
struct Context {
  OptionValues options;           ///< operands and options, checked against the command's records
  ArraySources arrays = {};       ///< samples that lie in memory
  ProgressHandler progress = {};  ///< may be empty
  report::Provenance provenance = {};  ///< for the result

  // Told while work goes on; may be empty.
  std::function<void(const std::string&)> say = {};  ///< run_as_text: whole lines for a person
  std::function<void(const report::MethodCost&)> announce = {};   ///< quantize: what is to come
  std::function<void(const report::EpochRecord&)> on_epoch = {};  ///< finetune: every epoch
};

}  // namespace ompq::commands
