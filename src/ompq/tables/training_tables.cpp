#include "ompq/tables/training_tables.h"

#include <fmt/format.h>

#include "ompq/tables/result_tables.h"
#include "ompq/tables/result_texts.h"

namespace ompq::tables {

std::string epoch_heading() {
  return fmt::format("{:>5}  {:>9}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>8}  {:>7}  {}\n",
                     "epoch",
                     "rate",
                     "loss",
                     "train",
                     "val loss",
                     "val",
                     "agreement",
                     "images/s",
                     "seconds",
                     "best");
}

std::string epoch_line(const report::EpochRecord& record) {
  const auto number = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.4f}", *value) : std::string("-");
  };
  return fmt::format(
      "{:>5}  {:>9.3g}  {:>8.4f}  {:>8}  {:>8}  {:>8}  {:>9}  {:>8.0f}  {:>7.1f}  {}\n",
      record.epoch,
      record.learning_rate,
      record.train_loss,
      percent(record.train_accuracy),
      number(record.validation_loss),
      percent(record.validation_top1),
      percent(record.validation_agreement),
      record.images_per_second,
      record.seconds,
      record.best_epoch == record.epoch ? "*" : "");
}

std::string finetuning_text(const report::Finetuning& finetuning) {
  std::string text = quantization_text(finetuning.quantization);
  const std::size_t epochs = finetuning.epochs.size();
  text += fmt::format("\ntrained with {}\n{} epoch{}, ",
                      samples_text(finetuning.trained_on),
                      epochs,
                      epochs == 1 ? "" : "s");
  text += finetuning.best_epoch > 0 ? fmt::format("the best was {}", finetuning.best_epoch)
                                    : "none better than the initial network; try a lower --lr";
  if (finetuning.resumed_epochs > 0) {
    text += fmt::format("; {} of them in earlier runs", finetuning.resumed_epochs);
  }
  if (finetuning.stopped_early) text += "; stopped early: no improvement";
  text += "\nThe best epoch was chosen on the evaluation samples, so its result is optimistic.\n";
  return text;
}

}  // namespace ompq::tables
