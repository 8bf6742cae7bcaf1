#include "ompq/tables/diagnosis_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::tables {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

report::Diagnosis two_layers() {
  report::Diagnosis diagnosis{
      .samples = 32, .gain_samples = 32, .output_snr_before_db = 11.04, .output_snr_after_db = 19};
  diagnosis.layers.push_back({.name = "conv",
                              .op_type = "Conv",
                              .weight_bits = 3,
                              .activation_bits = 8,
                              .snr_before_db = 12.25,
                              .snr_after_db = 21.5,
                              .weight_snr_db = 16,
                              .input_snr_db = 43,
                              .gain_db = 0.5});
  diagnosis.layers.push_back({.name = "fc", .op_type = "Gemm", .gain_db = 4});
  diagnosis.advice = {{"fc", "it is noisy", "--pin 'fc=5'"}, {"", "all is noisy", "raise it"}};
  return diagnosis;
}

TEST(DiagnosisText, ShowsEveryLayerWithItsNoise) {
  const std::string text = diagnosis_text(two_layers());
  EXPECT_THAT(text, HasSubstr("conv   Conv              3/8    12.2   21.5     16.0   43.0   0.5"));
  EXPECT_THAT(text, HasSubstr("float/float"));
  EXPECT_THAT(text, HasSubstr("output: 11.0 dB before, 19.0 dB after"));
}

TEST(DiagnosisText, NamesTheWorstFirst) {
  EXPECT_THAT(diagnosis_text(two_layers()), HasSubstr("top offenders: fc +4.0 dB, conv +0.5 dB\n"));
}

TEST(DiagnosisText, EndsInAdvice) {
  EXPECT_THAT(diagnosis_text(two_layers()),
              HasSubstr("- fc: it is noisy; --pin 'fc=5'\n- all is noisy; raise it\n"));
}

TEST(DiagnosisText, ShowsNoWidthsWhereNoneAreKnown) {
  report::Diagnosis diagnosis = two_layers();
  diagnosis.layers[0].weight_bits.reset();
  diagnosis.layers[0].activation_bits.reset();
  EXPECT_THAT(diagnosis_text(diagnosis), Not(HasSubstr("bits")));
}

report::Diff two_rows() {
  report::Diff diff;
  diff.a.file = "a.onnx";
  diff.b.file = "b.onnx";
  diff.threshold_db = 30;
  diff.rows.push_back({.layer = "conv",
                       .layer_b = "conv",
                       .op_type = "Conv",
                       .matched_by = "node name",
                       .equal = true});
  diff.rows.push_back({.layer = "fc",
                       .layer_b = "fc",
                       .op_type = "Gemm",
                       .matched_by = "node name",
                       .snr_db = 12.5,
                       .cosine = 0.99,
                       .largest_difference = 0.25,
                       .diverged = true});
  diff.agreement = 0.75;
  return diff;
}

TEST(DiffText, SaysWhereNetworksPart) {
  EXPECT_THAT(diff_text(two_rows()),
              AllOf(HasSubstr("they first diverge at layer 'fc': 12.5 dB, below 30 dB"),
                    HasSubstr("same best class: 75.00 %"),
                    HasSubstr("equal"),
                    Not(HasSubstr("in B")),
                    Not(HasSubstr("only in"))));
}

TEST(DiffText, SaysThatNothingParts) {
  report::Diff diff = two_rows();
  diff.rows[1].diverged = false;
  EXPECT_THAT(diff_text(diff), HasSubstr("no value below 30 dB"));
}

TEST(DiffText, ShowsBothNamesAndWhatHasNoPartner) {
  report::Diff diff = two_rows();
  diff.rows[1].layer_b = "MatMul_7";
  diff.only_in_b = {"extra", "more"};
  EXPECT_THAT(diff_text(diff),
              AllOf(HasSubstr("in B"),
                    HasSubstr("MatMul_7"),
                    HasSubstr("only in b.onnx: extra, more"),
                    Not(HasSubstr("only in a.onnx"))));
}

TEST(DiffText, CallsWhatIsNotFiniteSo) {
  report::Diff diff = two_rows();
  diff.rows[1].finite = false;
  diff.rows[1].snr_db.reset();
  EXPECT_THAT(diff_text(diff), HasSubstr("they first diverge at layer 'fc': not finite"));
}

}  // namespace
}  // namespace ompq::tables
