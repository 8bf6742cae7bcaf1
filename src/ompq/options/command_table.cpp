#include "ompq/options/command_table.h"

#include <array>
#include <initializer_list>

#include "ompq/options/budget_options.h"
#include "ompq/options/diff_options.h"
#include "ompq/options/file_options.h"
#include "ompq/options/finetune_options.h"
#include "ompq/options/joined_names.h"
#include "ompq/options/option_groups.h"
#include "ompq/options/rounding_options.h"
#include "ompq/options/sample_options.h"

namespace ompq {
namespace {

using namespace options;  // the groups, by their short names

// --- rules and examples --------------------------------------------------------------------------

constexpr auto kBudgetNames = joined_names<kBudget>();
constexpr auto kBudgetsNames = joined_names<kBudgets>();
/// Everything that decides the bits of layers.
constexpr auto kDecisions = joined(kBudgetNames, joined_names<kByHand>());

constexpr auto kGoalsOfSearch = joined(kBudgetNames, "max-loss");
constexpr auto kSourcesOfQuantize = joined(kGoalsOfSearch, "allocation");
constexpr auto kSourcesOfFinetune = joined(kBudgetNames, "allocation", "from", "float");
constexpr auto kAllocationOrDecisions = joined("allocation", kDecisions, "max-loss");
constexpr auto kAllocationOrAnySource = joined("allocation", "from", "float", kDecisions);
constexpr auto kFromOrDecisions = joined("from", "float", kDecisions, "start", "target");
constexpr auto kFloatOrDecisions = joined("float", kDecisions, "start", "quantizer", "target");

constexpr OptionRule kQuietOrVerbose{
    OptionRule::Kind::AtMostOne, "quiet|verbose", "they ask for opposite things"};

constexpr std::array<OptionRule, 2> kSearchRules{{
    {OptionRule::Kind::AtLeastOne, kGoalsOfSearch, "a search needs a budget"},
    kQuietOrVerbose,
}};
constexpr std::array<OptionRule, 3> kQuantizeRules{{
    {OptionRule::Kind::AtLeastOne,
     kSourcesOfQuantize,
     "the bits come from a budget or from a file"},
    {OptionRule::Kind::AtMostOne,
     kAllocationOrDecisions,
     "an allocation file already sets the bits"},
    kQuietOrVerbose,
}};
constexpr std::array<OptionRule, 5> kFinetuneRules{{
    {OptionRule::Kind::AtLeastOne,
     kSourcesOfFinetune,
     "the bits come from a budget or from a file"},
    {OptionRule::Kind::AtMostOne,
     kAllocationOrAnySource,
     "an allocation file already sets the bits"},
    {OptionRule::Kind::AtMostOne, kFromOrDecisions, "the file to start from already sets the bits"},
    {OptionRule::Kind::AtMostOne, kFloatOrDecisions, "nothing is quantized"},
    kQuietOrVerbose,
}};
constexpr std::array<OptionRule, 2> kCompareRules{{
    {OptionRule::Kind::AtLeastOne, kBudgetsNames, "a comparison needs budgets"},
    kQuietOrVerbose,
}};
constexpr std::array<OptionRule, 2> kSweepRules{{
    {OptionRule::Kind::AtMostOne, "pick|max-loss", "both choose a point of the curve"},
    kQuietOrVerbose,
}};
constexpr std::array<OptionRule, 1> kCommonRules{{kQuietOrVerbose}};

constexpr std::array<std::string_view, 2> kInspectExamples{
    "ompq inspect model.onnx", "ompq inspect model.onnx --input-shape input=1,3,224,224 --json"};
constexpr std::array<std::string_view, 2> kSearchExamples{
    "ompq search model.onnx --data images/ --avg-bits 3 -o bits.json",
    "ompq search model.onnx --data images/ --size 1.5MiB --scheme paper-ptq"};
constexpr std::array<std::string_view, 5> kQuantizeExamples{
    "ompq quantize model.onnx --data images/ --avg-bits 3 -o small.onnx",
    "ompq quantize model.onnx --data images/ --size 1.1MiB --effort best -o small.onnx",
    "ompq quantize model.onnx --data images/ --max-loss 1 -o small.onnx",
    "ompq quantize model.onnx --data images/ --allocation bits.json -o small.onnx",
    "ompq quantize model.onnx --data images/ --size 800kB --act-bits float -o small.onnx"};
constexpr std::array<std::string_view, 4> kFinetuneExamples{
    "ompq finetune model.onnx --data train/ --eval-data val/ --avg-bits 3 --act-bits 4 -o "
    "small.onnx",
    "ompq finetune model.onnx --data train/ --from small.onnx --epochs 30 -o better.onnx",
    "ompq finetune model.onnx --data train/ --allocation bits.json --quantizer hawq --norms frozen "
    "-o small.onnx",
    "ompq finetune model.onnx --data train/ --float --optimizer adamw -o trained.onnx"};
constexpr std::array<std::string_view, 2> kCompareExamples{
    "ompq compare model.onnx --data images/ --avg-bits 2.5,3,3.5,4 --csv rows.csv",
    "ompq compare model.onnx --data images/ --size 1MB,1.5MB --allocators auto,uniform --random 0"};
constexpr std::array<std::string_view, 3> kSweepExamples{
    "ompq sweep model.onnx --data images/",
    "ompq sweep model.onnx --data images/ --points 50 --pick 6.7MB -o bits.json",
    "ompq sweep model.onnx --data images/ --eval-command ./measure.sh --max-loss 0.5 -o "
    "bits.json"};
constexpr std::array<std::string_view, 1> kLatencyExamples{
    "ompq latency-table model.onnx --candidates 4,8 -o table.csv"};
constexpr std::array<std::string_view, 2> kEvalExamples{
    "ompq eval small.onnx --data test-images/",
    "ompq eval small.onnx --data images/ --reference model.onnx --save-outputs outputs.npz"};
constexpr std::array<std::string_view, 2> kDiffExamples{
    "ompq diff model.onnx small.onnx --data images/",
    "ompq diff model.onnx other-tool.onnx --data images/ --snr 20 --json"};
constexpr std::array<std::string_view, 2> kReportExamples{
    "ompq report run.json -o report.html",
    "ompq report run.json compare.json sweep.json -o report.html"};
constexpr std::array<std::string_view, 2> kDemoExamples{"ompq demo", "ompq demo -o folder"};
constexpr std::array<std::string_view, 2> kCompletionExamples{
    "source <(ompq completion bash)", "ompq completion zsh > ~/.zfunc/_ompq"};

/// Puts option lists one after another.
std::vector<OptionRecord> join(std::initializer_list<std::span<const OptionRecord>> parts) {
  std::vector<OptionRecord> all;
  for (const auto part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::span<const OptionRecord> one(const OptionRecord& record) { return {&record, 1}; }

std::vector<CommandRecord> make_table() {
  return {
      {.name = "inspect",
       .summary = "show layers, ties and blocks of a network, and what cannot be quantized",
       .description =
           "Reads MODEL and prints its quantizable layers with their parameters, "
           "multiply-accumulates and output shapes, the layers that must share a bit-width (ties), "
           "the blocks, and the operators that stay in float with the reason.",
       .operands = kModelOperand,
       .options = join({kInputShape, kCommonOptions}),
       .rules = kCommonRules,
       .examples = kInspectExamples},
      {.name = "search",
       .summary = "choose the bit-width of each layer under a budget",
       .description =
           "Measures MODEL with a few samples, finds the best bit-width of each layer within the "
           "budget, and compares it with the uniform, size-only and orm (the paper's) allocations.",
       .operands = kModelOperand,
       .options = join({kBudget,
                        one(kMaxLoss),
                        one(kLatencyTable),
                        one(kData),
                        one(kSamples),
                        one(kCalibrationSplit),
                        kLoading,
                        kQuantizers,
                        one(kAllocator),
                        one(kBeside),
                        one(kCandidates),
                        one(kTimeLimit),
                        one(kFor),
                        one(kBeta),
                        kPaperRules,
                        kByHand,
                        one(kTarget),
                        one(kResult),
                        one(kAllocationOut),
                        kPreprocessing,
                        kInputShape,
                        kPrecision,
                        kCommonOptions}),
       .rules = kSearchRules,
       .examples = kSearchExamples},
      {.name = "quantize",
       .summary = "quantize a network and write a smaller ONNX file",
       .description =
           "Post-training quantization: reads the bit-widths from a file or searches for them "
           "under a budget, calibrates the activations with a few samples, and writes an ONNX file "
           "whose weights take exactly the allocated bits. Resumes after an interruption.",
       .operands = kModelOperand,
       .options = join({kBudget,
                        one(kMaxLoss),
                        one(kLatencyTable),
                        one(kAllocationIn),
                        one(kData),
                        one(kSamples),
                        one(kCalibrationSplit),
                        kLoading,
                        kMeasured,
                        kQuantizers,
                        kActivationRange,
                        kRounding,
                        one(kAllocator),
                        one(kBeside),
                        one(kCandidates),
                        one(kTimeLimit),
                        one(kFor),
                        one(kBeta),
                        kPaperRules,
                        kByHand,
                        one(kEvalCommand),
                        one(kResult),
                        one(kModelOut),
                        one(kFormat),
                        one(kTarget),
                        one(kOpset),
                        kPreprocessing,
                        kInputShape,
                        kPrecision,
                        kCommonOptions}),
       .rules = kQuantizeRules,
       .examples = kQuantizeExamples},
      {.name = "finetune",
       .summary = "fine-tune the quantized network to recover accuracy",
       .description =
           "Quantization-aware training: chooses the bit-widths as 'ompq quantize' does, rounds, "
           "and then trains weights and quantizers on the samples of --data and their labels, if "
           "there are any. Evaluates after every epoch, writes the best network (OUT.onnx) and the "
           "last one (OUT.last.onnx), and resumes after an interruption. With --float, trains "
           "MODEL itself instead, which may be untrained.",
       .operands = kModelOperand,
       .options = join({kBudget,
                        one(kLatencyTable),
                        one(kAllocationIn),
                        std::span(kTrainingStart).last(1),
                        one(kFloatTraining),
                        one(kData),
                        one(kSamples),
                        one(kCalibrationSplit),
                        kLoading,
                        kMeasured,
                        kQuantizers,
                        kActivationRange,
                        kTraining,
                        std::span(kTrainingStart).first(1),
                        one(kAllocator),
                        one(kCandidates),
                        one(kTimeLimit),
                        one(kFor),
                        one(kBeta),
                        kPaperRules,
                        kByHand,
                        kTrainingFiles,
                        one(kResult),
                        one(kModelOut),
                        one(kTrainingFormat),
                        one(kTarget),
                        one(kOpset),
                        kPreprocessing,
                        kInputShape,
                        one(kTrainingPrecision),
                        kCommonOptions}),
       .rules = kFinetuneRules,
       .examples = kFinetuneExamples},
      {.name = "compare",
       .summary = "evaluate every allocator at every budget",
       .description =
           "Runs every allocator at every budget, quantizes MODEL with each allocation, "
           "and evaluates the result on held-out samples. Shows how each allocator "
           "differs from the first one on these samples, with 95 % intervals, and how "
           "well each metric predicts the result, as a rank correlation over random allocations. "
           "Resumes after an interruption.",
       .operands = kModelOperand,
       .options = join({kBudgets,         one(kData),    one(kSamples),    one(kCalibrationSplit),
                        kLoading,         kMeasured,     kQuantizers,      kActivationRange,
                        one(kAllocators), kComparison,   one(kCandidates), one(kTimeLimit),
                        one(kFor),        one(kBeta),    kByHand,          one(kTarget),
                        one(kResult),     one(kCsv),     kPreprocessing,   kInputShape,
                        kPrecision,       kCommonOptions}),
       .rules = kCompareRules,
       .examples = kCompareExamples},
      {.name = "sweep",
       .summary = "compute the whole curve of size against fidelity",
       .description = "Finds the best allocations for a range of sizes, from the smallest file to "
                      "the largest, measures how far each quantized network deviates from the "
                      "float model, and marks the knee, after which more bytes bring little.",
       .operands = kModelOperand,
       .options = join({kSweep,
                        one(kData),
                        one(kSamples),
                        one(kCalibrationSplit),
                        kLoading,
                        kQuantizers,
                        one(kCandidates),
                        one(kBeta),
                        kByHand,
                        one(kEvalCommand),
                        one(kTarget),
                        one(kResult),
                        one(kCsv),
                        kPreprocessing,
                        kInputShape,
                        kPrecision,
                        kCommonOptions}),
       .rules = kSweepRules,
       .examples = kSweepExamples},
      {.name = "latency-table",
       .summary = "write an empty table of layer latencies to fill in",
       .description = "Writes one line for each layer of MODEL and each pair of weight and "
                      "activation bits, without the latency. Once measured on the device and "
                      "filled in, the table serves --latency and --latency-table of 'ompq search'.",
       .operands = kModelOperand,
       .options = join({one(kCandidates),
                        std::span(kQuantizers).first(2),
                        one(kTableOut),
                        kInputShape,
                        kCommonOptions}),
       .rules = kCommonRules,
       .examples = kLatencyExamples},
      {.name = "eval",
       .summary = "measure accuracy, or fidelity to a reference network",
       .description =
           "Runs MODEL, float or quantized, on the samples and prints top-1 and top-5 accuracy if "
           "there are labels, how close its outputs are to those of --reference, and what "
           "--eval-command prints.",
       .operands = kModelOperand,
       .options = join({one(kData),
                        one(kEvaluationSplit),
                        kLoading,
                        kEvaluation,
                        one(kEvalCommand),
                        kPreprocessing,
                        kInputShape,
                        one(kEvaluationPrecision),
                        kCommonOptions}),
       .rules = kCommonRules,
       .examples = kEvalExamples,
       .function = "evaluate"},
      {.name = "diff",
       .summary = "compare two versions of a network layer by layer",
       .description = "Runs A and B on the same samples and compares the output of each layer: "
                      "signal-to-noise ratio, largest difference and cosine similarity, the first "
                      "layer at which the networks diverge, and how often they predict the same "
                      "class. Layers are matched by name, or by order if the names differ; B may "
                      "be written by 'ompq quantize' or by another tool that uses QuantizeLinear "
                      "and DequantizeLinear. The exit status is 0 however large the difference.",
       .operands = kTwoModelOperands,
       .options = join({one(kData),
                        one(kSamples),
                        one(kEvaluationSplit),
                        kLoading,
                        one(kSnr),
                        one(kResult),
                        kPreprocessing,
                        kInputShape,
                        one(kEvaluationPrecision),
                        kCommonOptions}),
       .rules = kCommonRules,
       .examples = kDiffExamples},
      {.name = "report",
       .summary = "make an HTML page of results",
       .description = "Makes one self-contained HTML page of the JSON results of search, quantize, "
                      "finetune, compare and sweep: budget and result, bit-width and sensitivity "
                      "of each layer, the orthogonality matrix, size against accuracy, and "
                      "allocators side by side. Results of the same network share charts.",
       .operands = kRunOperand,
       .options = join({one(kPageOut), std::span(kCommonOptions).last(1)}),
       .rules = {},
       .examples = kReportExamples,
       .runs_networks = false},
      {.name = "demo",
       .summary = "quantize the network that is installed with ompq",
       .description = "Quantizes a small image classifier to 3 bits on average, compares it with "
                      "uniform bits and with the paper's allocation on test images, and makes the "
                      "report page, in less than a minute. Shows the commands that it runs.",
       .operands = {},
       .options = join({one(kDemoOut), std::span(kCommonOptions).last(1)}),
       .rules = {},
       .examples = kDemoExamples,
       .runs_networks = false},
      {.name = "completion",
       .summary = "print a completion script for a shell",
       .description = "Prints a script that completes commands, options and their values.",
       .operands = kShellOperand,
       .options = join({std::span(kCommonOptions).last(1)}),
       .rules = {},
       .examples = kCompletionExamples,
       .runs_networks = false},
  };
}

}  // namespace

RowTable<CommandRecord>& command_records() {
  static RowTable<CommandRecord> table(make_table());
  return table;
}

std::span<const CommandRecord> command_table() { return command_records().rows(); }

const CommandRecord* find_command(std::string_view name) { return command_records().find(name); }

}  // namespace ompq
