#include "engine_loader.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <dlfcn.h>
#include <fmt/format.h>

#include "install_paths.h"
#include "ompq/core/error.h"

namespace ompq::app {
namespace {
namespace fs = std::filesystem;

void (*engine_interrupt)() = nullptr;

extern "C" void forward_interrupt(int) { engine_interrupt(); }

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
  // Lazy binding: most of LibTorch's symbols are never called.
  void* handle = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    throw InternalError("engine", fmt::format("{}; build or install ompq again", ::dlerror()));
  }
  Engine engine;
  look_up(handle, "ompq_engine_run", engine.run);
  look_up(handle, "ompq_engine_interrupt", engine.interrupt);
  look_up(handle, "ompq_engine_versions", engine.versions);
  return engine;
}

int run_on_engine(const CommandRequest& request) {
  const Engine engine = load_engine();
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return engine.run(&request);  // as a shell's background job
  engine_interrupt = engine.interrupt;
  struct sigaction action {};
  action.sa_handler = forward_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one terminates, by default
  ::sigaction(SIGINT, &action, nullptr);
  return engine.run(&request);
}

}  // namespace ompq::app
