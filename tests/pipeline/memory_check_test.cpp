#include "ompq/pipeline/memory_check.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_budget.h"
#include "ompq/runtime/pass_memory.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using ::testing::HasSubstr;

template <typename Check>
std::string refusal(const Check& check) {
  try {
    check();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckMemory, RefusesANetworkThatDoesNotFitAndSaysWhatWould) {
  const Model model = small_model();
  const std::int64_t pass = runtime::gradient_pass_bytes(model.graph);
  const std::int64_t needed = model.file_bytes * 6 + kMemoryParts * pass;
  {
    const MemoryBudget budget(needed, 6);
    EXPECT_EQ(refusal([&] { check_memory(model, true); }), "");
    EXPECT_EQ(memory_part(), pass);
  }
  const MemoryBudget budget(needed - 1, 6);
  const std::string message = refusal([&] { check_memory(model, true); });
  EXPECT_THAT(message, HasSubstr("small.onnx"));
  EXPECT_THAT(message, HasSubstr("give --memory 1MiB or more"));
}

TEST(CheckMemory, DoesNothingWithoutALimit) {
  check_memory(small_model(), true);
  check_memory_to_load("no/such/file.onnx");
  check_training_memory(small_model(), 1 << 20);
}

TEST(CheckMachineMemory, RefusesANetworkThatTheMachineCannotRun) {
  check_machine_memory(small_model());
  Model model = small_model();
  const graph::ValueId input = model.graph.inputs().front();
  model.graph.mutable_value(input).shape->back() = graph::Dim::fixed(std::int64_t{1} << 38);
  try {
    check_machine_memory(model);
    FAIL() << "accepted an input of 48 TiB";
  } catch (const OutOfMemory& error) {
    EXPECT_THAT(error.what(), HasSubstr("a pass of one sample through '"));
    EXPECT_THAT(error.what(), HasSubstr("the machine has"));
  }
}

TEST(CheckMemory, RefusesAFileBeforeItIsImported) {
  const testing::TemporaryDirectory dir;
  const auto file = dir.path() / "large.onnx";
  std::ofstream(file) << std::string(1 << 20, 'x');
  const MemoryBudget budget((3 << 20) - 1, 3);
  EXPECT_THAT(refusal([&] { check_memory_to_load(file); }), HasSubstr("give --memory 3MiB"));
  const MemoryBudget enough(3 << 20, 3);
  EXPECT_EQ(refusal([&] { check_memory_to_load(file); }), "");
}

TEST(CheckTrainingMemory, NamesTheBatchThatFits) {
  const Model model = small_model();
  const std::int64_t sample = runtime::gradient_pass_bytes(model.graph) * 3 / 2;
  const MemoryBudget budget(model.file_bytes * 6 + 5 * sample, 6);
  EXPECT_EQ(refusal([&] { check_training_memory(model, 5); }), "");
  EXPECT_THAT(refusal([&] { check_training_memory(model, 6); }), HasSubstr("--batch 5 would fit"));
}

}  // namespace
}  // namespace ompq::pipeline
