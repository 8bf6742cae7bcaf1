#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ompq/fields/declare.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// A training from its start to its best epoch.
struct Finetuning {
  /// The networks: the best epoch's first, then the last epoch's where that is another, then what
  /// training started from.
  Quantization quantization;
  SamplesUsed trained_on;
  std::vector<EpochRecord> epochs;
  std::int64_t best_epoch = 0;
  bool stopped_early = false;
  std::int64_t resumed_epochs = 0;
  std::vector<std::pair<std::string, std::string>> training;
};

template <typename Visitor, fields::Of<Finetuning> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type(
      "Finetuning",
      "What `ompq finetune` wrote, as of `ompq quantize`. Networks: the best epoch's first, then "
      "the last epoch's where that is another, then what training started from.");
  list_fields(v, s.quantization);
  v("trained_on", s.trained_on, "");
  v("best_epoch", s.best_epoch, "from 1 on; 0: none was better than the start", fields::kCount);
  v("stopped_early", s.stopped_early, "no epoch was better for long enough");
  v("resumed_epochs",
    s.resumed_epochs,
    "finished by earlier runs of the same command",
    fields::kCount);
  v("training", s.training, "how it was trained: values by option", fields::kOmitEmpty);
  v("epochs", s.epochs, "");
}

}  // namespace ompq::report
