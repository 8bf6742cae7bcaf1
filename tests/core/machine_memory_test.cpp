#include "ompq/core/machine_memory.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(MachineMemory, IsNoMoreThanTheSystemReports) {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::int64_t kibibytes = 0;
  if (!(file >> word >> kibibytes) || word != "MemTotal:") GTEST_SKIP() << "no /proc/meminfo";
  EXPECT_GT(machine_memory(), std::int64_t{1} << 20);
  EXPECT_LE(machine_memory(), kibibytes * 1024);
}

}  // namespace
}  // namespace ompq
