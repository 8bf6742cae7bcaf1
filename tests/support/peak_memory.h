#pragma once

#include <cstdint>
#include <fstream>
#include <string>

/// What a piece of code takes in memory at most.
namespace ompq::testing {

/// A field of /proc/self/status in bytes.
[[nodiscard]] inline std::int64_t memory_field(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

/// The bytes by which the process's resident memory grows at most while `action` runs.
template <typename Action>
[[nodiscard]] std::int64_t peak_growth(const Action& action) {
  std::ofstream("/proc/self/clear_refs") << "5";  // sets the peak to the present value
  const std::int64_t before = memory_field("VmRSS");
  action();
  return memory_field("VmHWM") - before;
}

}  // namespace ompq::testing
