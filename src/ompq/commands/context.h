#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "ompq/core/progress.h"
#include "ompq/data/named_arrays.h"
#include "ompq/options/options.h"
#include "ompq/report/finetuning.h"
#include "ompq/report/results.h"

namespace ompq::commands {

/// Arrays instead of a file, by option: "data", "eval-data". The option's value is then the arrays'
/// description, data::arrays_text().
using ArraySources = std::map<std::string, data::NamedArrays, std::less<>>;

/// The inputs of a command.
struct Context {
  OptionValues options;           ///< operands and options, checked against the command's records
  ArraySources arrays = {};       ///< samples in memory
  ProgressHandler progress = {};  ///< may be empty
  report::Provenance provenance = {};  ///< for the result

  /// The quality of a network's file, instead of --eval-command; may be empty.
  std::function<double(const std::filesystem::path&)> judge = {};

  // Called during the work; may be empty.
  std::function<void(const std::string&)> say = {};  ///< run_as_text: whole lines of text
  std::function<void(const report::MethodCost&)> announce = {};   ///< quantize: the estimated cost
  std::function<void(const report::EpochRecord&)> on_epoch = {};  ///< finetune: every epoch
};

}  // namespace ompq::commands
