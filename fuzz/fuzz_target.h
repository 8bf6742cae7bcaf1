#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/error.h"

/// A fuzz target is a function over bytes that a stranger may have written: they are read or
/// refused with an ompq::Error. libFuzzer calls one target per program (fuzz/CMakeLists.txt), and
/// tests/fuzz calls every target with its corpus.
namespace ompq::fuzz {

using Function = void (*)(std::string_view bytes);

struct Target {
  std::string name;
  Function run;
};

/// The targets that are linked into this program.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

struct Registered {
  Registered(const char* name, Function run) { targets().push_back({name, run}); }
};

/// Runs a target; its own errors are a normal result.
inline void run(Function target, std::string_view bytes) {
  try {
    target(bytes);
  } catch (const InternalError&) {  // a defect of ompq, also where it is caught as an Error
    throw;
  } catch (const Error&) {
  }
}

}  // namespace ompq::fuzz

#ifdef OMPQ_LIBFUZZER
#define OMPQ_FUZZ_TARGET(name, function)                                              \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    ompq::fuzz::run(function, {reinterpret_cast<const char*>(data), size});           \
    return 0;                                                                         \
  }
#else
#define OMPQ_FUZZ_TARGET(name, function) \
  static const ompq::fuzz::Registered registered_target_##name(#name, function)
#endif
