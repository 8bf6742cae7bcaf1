#include "demo_command.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "command_line.h"
#include "engine_loader.h"
#include "install_paths.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "report_command.h"
#include "standard_streams.h"

namespace ompq::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetwork = "resnet20-fashion-mnist.onnx";

/// The folder of networks and images, at the same place relative to the program everywhere.
fs::path demo_folder() {
  const fs::path program = fs::read_symlink("/proc/self/exe");
  fs::path folder = (program.parent_path() / kDemoFolderFromProgram).lexically_normal();
  std::error_code code;
  if (!fs::exists(folder / kNetwork, code)) {
    throw FileError(folder.string(),
                    "the demo's networks and images are not installed there; install ompq again, "
                    "or run 'ompq quantize MODEL --data IMAGES ...' on a network of your own");
  }
  return folder;
}

CommandRequest request_of(const std::vector<std::string>& words) {
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  return std::get<CommandRequest>(
      parse_command_line(static_cast<int>(arguments.size()), arguments.data()));
}

}  // namespace

int run_demo(const OptionValues& options) {
  const fs::path folder = demo_folder();
  const fs::path out = options.text("output");
  std::error_code code;
  fs::create_directories(out, code);
  if (code) throw FileError(out.string(), "cannot be created: " + code.message());
  const std::string network = out / "resnet20-3bit.onnx";
  const std::string result = out / "resnet20-3bit.json";
  const std::string page = out / "report.html";
  const CommandRequest quantize = request_of({"ompq",
                                              "quantize",
                                              folder / kNetwork,
                                              "--data",
                                              folder,
                                              "--eval-data",
                                              folder,
                                              "--avg-bits",
                                              "3",
                                              "--beside",
                                              "uniform,orm",
                                              "--output",
                                              network,
                                              "--result",
                                              result});
  const CommandRequest report = request_of({"ompq", "report", result, "--output", page});
  write_output(fmt::format("$ {}\n", display_text(quantize.line)));
  const int status = run_on_engine(quantize);
  if (status != static_cast<int>(ExitCode::Done)) return status;
  write_output(fmt::format("\n$ {}\n{}", display_text(report.line), run_report(report.values)));
  write_output(
      fmt::format("\nNext:\n"
                  "  ompq inspect {}\n"
                  "  ompq quantize YOUR.onnx --data YOUR_IMAGES/ --avg-bits 4 -o small.onnx\n"
                  "  ompq --help\n",
                  display_text(network)));
  return status;
}

}  // namespace ompq::app
