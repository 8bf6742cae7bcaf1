#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "ompq/ompq.h"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::exit(1);
}

/// The library's exceptions are caught by their classes on this side of the library's boundary.
template <typename Kind, typename Call>
std::string caught(const Call& call) {
  try {
    call();
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another kind: ") + error.what();
  }
  return "nothing";
}

}  // namespace

int main(int count, char** arguments) {
  require(count == 2, "the network is an argument");
  const std::string model = arguments[1];
  std::printf("ompq %s\n", ompq::library_version());

  const ompq::Model loaded = ompq::load(model);
  require(!loaded.layers.empty() && loaded.inputs.size() == 1, "a network has layers and an input");
  std::printf("%zu layers\n", loaded.layers.size());

  const std::string missing = caught<ompq::ImportError>([] { (void)ompq::load("missing.onnx"); });
  require(missing.find("missing.onnx") != std::string::npos, missing.c_str());
  const std::string unknown =
      caught<ompq::ConfigError>([] { ompq::QuantizeOptions().set("avg_bits", 3); });
  require(unknown.find("did you mean 'avg-bits'?") != std::string::npos, unknown.c_str());
  const std::string stopped = caught<ompq::Interrupted>([&] {
    ompq::request_interrupt();
    ompq::SearchOptions options;
    options.data = "/usr/share/datasets/fashion-mnist";
    options.budget = {.average_bits = 3};
    (void)ompq::search_bits(model, options);
  });
  require(stopped.find("stopped") != std::string::npos, stopped.c_str());
  require(ompq::exit_code_for(ompq::InfeasibleBudget("budget", "too small")) ==
              ompq::ExitCode::NoAllocation,
          "kinds of errors have exit statuses");
  return 0;
}
