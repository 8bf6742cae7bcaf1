#include "engine_loader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "install_paths.h"
#include "ompq/core/error.h"
#include "ompq/core/out_of_memory.h"
#include "stop_signals.h"

namespace ompq::app {
namespace {
namespace fs = std::filesystem;

/// The loader's message for a library that does not fit into memory or into a limit on it.
bool lacks_memory(std::string_view reason) {
  constexpr std::array<std::string_view, 4> kPhrases{
      "cannot allocate", "Cannot allocate", "failed to map", "cannot map"};
  return std::ranges::any_of(
      kPhrases, [&](std::string_view phrase) { return reason.find(phrase) != reason.npos; });
}

/// OpenBLAS 0.3.29, in Debian 13, waits forever when it is loaded with too few addresses, and other
/// libraries end the process.
void check_address_space() {
  constexpr rlim_t kLeast = rlim_t{OMPQ_LEAST_ADDRESSES_MIB} << 20;
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (limited && limit.rlim_cur < kLeast) throw out_of_memory("loading LibTorch");
}

template <typename Function>
void look_up(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    throw InternalError("engine", fmt::format("the engine lacks {}; install ompq again", name));
  }
}

}  // namespace

Engine load_engine() {
  // OpenMP threads spin for milliseconds while they wait for each other. If other processes need
  // the cores, they spin while the thread that they wait for cannot run: a hundred times slower, as
  // measured while a compiler was running. The OpenMP runtime reads this once, when the engine
  // loads it.
  ::setenv("GOMP_SPINCOUNT", "5000", 0);
  const fs::path program = fs::read_symlink("/proc/self/exe");
  const fs::path library = program.parent_path() / kEngineFolderFromProgram / "libompq_engine.so";
  check_address_space();
  // Lazy binding: most of LibTorch's symbols are never called.
  void* handle = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    const std::string reason = ::dlerror();
    if (lacks_memory(reason)) throw out_of_memory("loading LibTorch");
    throw InternalError("engine", fmt::format("{}; build or install ompq again", reason));
  }
  Engine engine;
  look_up(handle, "ompq_engine_run", engine.run);
  look_up(handle, "ompq_engine_interrupt", engine.interrupt);
  look_up(handle, "ompq_engine_remove_files", engine.remove_files);
  look_up(handle, "ompq_engine_versions", engine.versions);
  return engine;
}

int run_on_engine(const CommandRequest& request) {
  const Engine engine = load_engine();
  route_stop({.request = engine.interrupt, .remove_files = engine.remove_files});
  return engine.run(&request);
}

}  // namespace ompq::app
