#include "ompq/runtime/kernel_versions.h"

#include <regex>

#include <gtest/gtest.h>

namespace ompq::runtime {
namespace {

TEST(KernelVersions, NameBothLibraries) {
  const std::regex form(R"(LibTorch \d+\.\d+\.\d+\S*\noneDNN \d+\.\d+\.\d+\n)");
  EXPECT_TRUE(std::regex_match(kernel_versions(), form)) << kernel_versions();
}

}  // namespace
}  // namespace ompq::runtime
