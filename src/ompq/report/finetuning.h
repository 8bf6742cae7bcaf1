#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ompq/fields/declare.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/results.h"

namespace ompq::report {

/// The result of a training run.
struct Finetuning {
  /// The networks: of the best epoch, of the last epoch if that is another, and the initial one.
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
  v.type("Finetuning",
         "Result of `ompq finetune`, with the fields of `ompq quantize`. Networks: that of the "
         "best epoch, that of the last epoch if it is a different one, and the initial one.");
  list_fields(v, s.quantization);
  v("trained_on", s.trained_on, "");
  v("best_epoch",
    s.best_epoch,
    "counted from 1; 0: no epoch was better than the start",
    fields::kCount);
  v("stopped_early",
    s.stopped_early,
    "training ended early because no epoch improved on the best one");
  v("resumed_epochs",
    s.resumed_epochs,
    "epochs finished by earlier runs of the same command",
    fields::kCount);
  v("training", s.training, "training options: values by name", fields::kOmitEmpty);
  v("epochs", s.epochs, "");
}

}  // namespace ompq::report
