#pragma once

#include <string>

#include "request.h"

namespace ompq::app {

/// The engine's functions, loaded from libompq_engine.so in ../lib relative to the program's
/// folder, where it is both in the build tree and after installation.
struct Engine {
  int (*run)(const CommandRequest*) = nullptr;
  void (*interrupt)() = nullptr;
  void (*remove_files)() = nullptr;
  const char* (*versions)() = nullptr;
};

/// @throws InternalError naming the file and the loader's reason; OutOfMemory if its libraries do
/// not fit into memory.
[[nodiscard]] Engine load_engine();

/// Runs `request` on the engine, which stops as handle_signals() says.
/// @return the exit status.
[[nodiscard]] int run_on_engine(const CommandRequest& request);

}  // namespace ompq::app
