#include "ompq/ptq/fingerprint.h"

#include <functional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::ptq {
namespace {

std::string fingerprint(const QuantizeOptions& options) {
  return fingerprint_of(pipeline::small_model(), pipeline::small_samples(8), {0, 1, 2}, options);
}

TEST(Fingerprint, TellsEveryChoiceFromTheDefaultAndFromEachOther) {
  using Change = std::function<void(QuantizeOptions&)>;
  const std::vector<Change> changes{
      [](QuantizeOptions&) {},
      [](QuantizeOptions& o) { o.search.request.budget.bytes = 1500000; },
      [](QuantizeOptions& o) { o.search.request.budget.bytes = 1500001; },
      [](QuantizeOptions& o) { o.search.request.budget.average_bits = 3.0; },
      [](QuantizeOptions& o) { o.search.request.budget.average_bits = 3.0 + 0x1p-50; },
      [](QuantizeOptions& o) { o.search.request.scheme = allocation::Scheme::PaperPtq; },
      [](QuantizeOptions& o) {
        o.search.request.candidates = {4, 8};
      },
      [](QuantizeOptions& o) { o.search.request.choices.pins["fc"] = 8; },
      [](QuantizeOptions& o) { o.search.request.choices.candidates["fc"] = {8}; },
      [](QuantizeOptions& o) { o.search.request.choices.excluded = {"fc"}; },
      [](QuantizeOptions& o) { o.search.request.choices.first_last = 8; },
      [](QuantizeOptions& o) { o.search.request.accounting = allocation::Accounting::Paper; },
      [](QuantizeOptions& o) { o.search.request.rounding = allocation::Rounding::Nearest; },
      [](QuantizeOptions& o) { o.search.request.activation_candidates = {4}; },
      [](QuantizeOptions& o) { o.search.request.input_bits = 4; },
      [](QuantizeOptions& o) { o.search.request.symmetry = quant::Symmetry::Symmetric; },
      [](QuantizeOptions& o) { o.search.request.seed = 1; },
      [](QuantizeOptions& o) { o.search.allocator = "uniform"; },
      [](QuantizeOptions& o) { o.search.beside = {}; },
      [](QuantizeOptions& o) { o.search.beta = 1.0 + 0x1p-52; },
      [](QuantizeOptions& o) { o.search.automatic.time_limit_seconds = 61; },
      [](QuantizeOptions& o) { o.search.weights.symmetry = quant::Symmetry::Symmetric; },
      [](QuantizeOptions& o) { o.search.compensated = false; },
      [](QuantizeOptions& o) { o.search.form.format = onnx_io::WeightFormat::Qdq; },
      [](QuantizeOptions& o) { o.search.form.opset = 21; },
      [](QuantizeOptions& o) { o.search.batch_size = 1; },
      [](QuantizeOptions& o) { o.search.executor.precision = runtime::Precision::BFloat16; },
      [](QuantizeOptions& o) { o.calibration.range = quant::RangeMethod::MinMax; },
      [](QuantizeOptions& o) { o.calibration.percentile = 99.9; },
      [](QuantizeOptions& o) { o.calibration.batch_size = 1; },
      [](QuantizeOptions& o) { o.method.method = "nearest"; },
      [](QuantizeOptions& o) { o.method.effort = Effort::Best; },
      [](QuantizeOptions& o) { o.method.iterations = 0; },
      [](QuantizeOptions& o) { o.method.epochs = 0; },
      [](QuantizeOptions& o) { o.method.augmentation = "none"; },
      [](QuantizeOptions& o) { o.method.prepare.equalize = true; },
      [](QuantizeOptions& o) { o.method.prepare.correct_bias = true; },
      [](QuantizeOptions& o) { o.method.weight = reconstruction::ErrorWeight::Fisher; },
      [](QuantizeOptions& o) { o.method.seed = 1; },
      [](QuantizeOptions& o) { o.format = "encodings"; },
  };
  std::set<std::string> seen;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    QuantizeOptions options;
    changes[i](options);
    EXPECT_TRUE(seen.insert(fingerprint(options)).second) << "change " << i;
  }
}

TEST(Fingerprint, LeavesOutWhatOnlySaysWhereAndHowFast) {
  QuantizeOptions options;
  options.output = "elsewhere.onnx";
  options.journal = "elsewhere.journal";
  options.method.threads = 7;
  options.method.memory_bytes = 1;
  options.explain = true;
  EXPECT_EQ(fingerprint(options), fingerprint({}));
}

TEST(Fingerprint, CoversTheContentOfFilesThatDecideWidths) {
  const testing::TemporaryDirectory folder;
  QuantizeOptions options;
  options.search.request.latency_table = folder / "table.csv";
  write_file_atomically(folder / "table.csv", "a");
  const std::string before = fingerprint(options);
  write_file_atomically(folder / "table.csv", "b");
  EXPECT_NE(fingerprint(options), before);
}

TEST(Fingerprint, CoversSamplesAndTheExtentsOfInputs) {
  const QuantizeOptions options;
  const std::string plain = fingerprint(options);
  pipeline::Model wider = pipeline::small_model();
  wider.graph.mutable_value(wider.graph.inputs().front()).shape->back() = graph::Dim::fixed(16);
  EXPECT_NE(fingerprint_of(wider, pipeline::small_samples(8), {0, 1, 2}, options), plain);
  EXPECT_NE(
      fingerprint_of(pipeline::small_model(), pipeline::small_samples(8, 3), {0, 1, 2}, options),
      plain);
  EXPECT_NE(fingerprint_of(pipeline::small_model(), pipeline::small_samples(8), {0, 1, 3}, options),
            plain);
}

}  // namespace
}  // namespace ompq::ptq
