#include "ompq/commands/output_check.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/onnx_io/exporter.h"

namespace ompq::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::SmallRun;
using ::testing::ThrowsMessage;
using Texts = std::map<std::string_view, std::vector<std::string>>;

/// check_outputs() for "ompq quantize net.onnx --data data.npz ... MORE".
auto check_of(const SmallRun& run, Texts more, std::set<std::filesystem::path> also_read = {}) {
  return [&run, more, also_read] {
    check_outputs("quantize", run.context("quantize", more).options, also_read);
  };
}

TEST(CheckOutputs, AcceptsFilesThatAreNotRead) {
  const SmallRun run;
  EXPECT_NO_THROW(check_of(run, {{"result", {run.path("result.json")}}})());
  EXPECT_FALSE(std::filesystem::exists(run.path("small.onnx"))) << "nothing is written";
}

TEST(CheckOutputs, RefusesToOverwriteTheNetworkOrTheSamples) {
  const SmallRun run;
  EXPECT_THAT(check_of(run, {{"output", {run.path("net.onnx")}}}),
              ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("--output"), HasSubstr("is the same file as MODEL"))));
  EXPECT_THAT(check_of(run, {{"result", {run.path("data.npz")}}}),
              ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("--result"), HasSubstr("is the same file as --data"))));
}

TEST(CheckOutputs, RefusesToOverwriteASampleInAFolder) {
  const SmallRun run;
  std::filesystem::create_directory(run.path("samples"));
  std::filesystem::copy_file(run.path("eval.npz"), run.path("samples/a.npy"));
  EXPECT_THAT(
      check_of(run, {{"data", {run.path("samples")}}, {"result", {run.path("samples/a.npy")}}}),
      ThrowsMessage<ConfigError>(HasSubstr("a file of --data")));
}

TEST(CheckOutputs, RefusesToOverwriteFilesThatAreReadWithoutBeingNamed) {
  const SmallRun run;
  const std::string preprocess = data::preprocess_file(run.path("net.onnx")).string();
  write_file_atomically(preprocess, data::to_json({}));
  EXPECT_THAT(check_of(run, {{"result", {preprocess}}}),
              ThrowsMessage<ConfigError>(HasSubstr("the preprocessing of '")));
  EXPECT_THAT(check_of(run, {{"result", {run.path("eval.npz")}}}, {run.path("eval.npz")}),
              ThrowsMessage<ConfigError>(HasSubstr("a file of the network's weights")));
}

TEST(CheckOutputs, RefusesOneNameForTwoOutputs) {
  const SmallRun run;
  EXPECT_THAT(check_of(run, {{"result", {run.path("small.onnx")}}}),
              ThrowsMessage<ConfigError>(HasSubstr("give each its own name")));
  EXPECT_THAT(check_of(run, {{"result", {onnx_io::data_file(run.path("small.onnx")).string()}}}),
              ThrowsMessage<ConfigError>(HasSubstr("the external data of --output")));
}

TEST(CheckOutputs, CoversThePreprocessingThatIsKeptNextToTheNetwork) {
  const SmallRun run;
  const std::string kept = data::preprocess_file(run.path("small.onnx")).string();
  EXPECT_NO_THROW(check_of(run, {{"result", {kept}}})()) << "there is none to keep";
  EXPECT_THAT(check_of(run, {{"scale", {"1/255"}}, {"result", {kept}}}),
              ThrowsMessage<ConfigError>(HasSubstr("the preprocessing of --output")));
  std::filesystem::create_directory(kept);
  EXPECT_THAT(check_of(run, {{"scale", {"1/255"}}}),
              ThrowsMessage<ConfigError>(HasSubstr("is a folder")));
}

TEST(CheckOutputs, NamesAFolderThatIsMissing) {
  const SmallRun run;
  EXPECT_THAT(check_of(run, {{"output", {run.path("missing/small.onnx")}}}),
              ThrowsMessage<FileError>(HasSubstr("missing")));
}

TEST(CheckOutputs, NeedsACommand) { EXPECT_THROW(check_outputs("paint", {}), InternalError); }

std::vector<std::string> companion_names(const SmallRun& run, Texts more) {
  std::vector<NamedFile> written;
  add_network_companions(run.context("quantize", std::move(more)).options, written);
  std::vector<std::string> names;
  for (const NamedFile& file : written) names.push_back(file.name);
  return names;
}

TEST(NetworkCompanions, AreExternalDataTheJournalAndTheFormatsSecondFile) {
  const SmallRun run;
  EXPECT_THAT(companion_names(run, {}),
              ::testing::ElementsAre("the external data of --output", "the journal of --output"));
  EXPECT_THAT(companion_names(run, {{"journal", {run.path("journal")}}}),
              ::testing::ElementsAre("the external data of --output"))
      << "a journal that is named is an option's file";
  EXPECT_THAT(companion_names(run, {{"format", {"encodings"}}}).back(), HasSubstr("encodings"));
}

}  // namespace
}  // namespace ompq::commands
