#include "ompq/core/out_of_memory.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/sanitizers.h"

namespace ompq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(OutOfMemory, SaysWhatWasNeededAndTheWayOut) {
  const OutOfMemory error = out_of_memory("Conv node 'c'", std::int64_t{3} << 30);
  EXPECT_EQ(error.where(), "Conv node 'c'");
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("not enough memory for 3.00 GiB more"),
                    HasSubstr("the machine has"),
                    HasSubstr("--batch")));
}

TEST(OutOfMemory, SaysNoNumberThatIsNotKnown) {
  EXPECT_THAT(out_of_memory().what(),
              AllOf(HasSubstr("[memory] there is not enough memory: "), Not(HasSubstr("more:"))));
}

TEST(OutOfMemory, NamesALimitOnTheAddressSpace) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit limited{rlim_t{1} << 46, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const std::string message = out_of_memory().what();
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_THAT(message, AllOf(HasSubstr("the limit on the address space"), HasSubstr("ulimit -v")));
}

TEST(OutOfThreads, NamesTheLimitsAndTheOption) {
  EXPECT_THAT(out_of_threads().what(), AllOf(HasSubstr("--threads"), HasSubstr("ulimit -u")));
}

}  // namespace
}  // namespace ompq
