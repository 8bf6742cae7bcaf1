#include "ompq/runtime/library_errors.h"

#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include <ATen/ATen.h>
#include <dnnl.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The message of the `Kind` that comes of what `work` throws.
template <typename Kind>
std::string converted(const std::function<void()>& work) {
  try {
    try {
      work();
    } catch (...) {
      rethrow_in_own_words();
    }
  } catch (const Kind& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(RethrowInOwnWords, CallsEveryLibrarysLackOfMemoryTheSame) {
  const std::vector<std::function<void()>> failures{
      [] { throw std::bad_alloc(); },
      [] { (void)at::empty({std::int64_t{1} << 45}, at::kFloat); },
      [] { throw dnnl::error(dnnl_out_of_memory, "could not create a memory object"); },
      [] { throw std::system_error(std::make_error_code(std::errc::not_enough_memory)); }};
  for (const auto& failure : failures) {
    EXPECT_THAT(converted<OutOfMemory>(failure),
                AllOf(HasSubstr("not enough memory"), HasSubstr("--batch"), Not(HasSubstr("::"))));
  }
}

TEST(RethrowInOwnWords, NamesThreadsAndFiles) {
  EXPECT_THAT(
      converted<OutOfMemory>([] {
        throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
      }),
      HasSubstr("--threads"));
  EXPECT_THAT(
      converted<FileError>([] { (void)std::filesystem::directory_iterator("/no/such/folder"); }),
      AllOf(HasSubstr("[/no/such/folder]"), HasSubstr("No such file")));
}

TEST(RethrowInOwnWords, CallsOtherErrorsOfLibrariesBugs) {
  EXPECT_THAT(converted<InternalError>([] {
                (void)at::ones({2, 3}).mm(at::ones({2, 3}));
              }),
              HasSubstr("[LibTorch]"));
  EXPECT_THAT(converted<InternalError>(
                  [] { throw dnnl::error(dnnl_unimplemented, "could not create a primitive"); }),
              HasSubstr("[oneDNN]"));
}

TEST(RethrowInOwnWords, LeavesOtherExceptionsAsTheyAre) {
  EXPECT_EQ(converted<DataError>([] { throw DataError("labels", "differ"); }), "[labels] differ");
  EXPECT_EQ(converted<std::runtime_error>([] { throw std::runtime_error("of a caller"); }),
            "of a caller");
  EXPECT_THROW(
      try { throw 7; } catch (...) { rethrow_in_own_words(); }, int);
}

}  // namespace
}  // namespace ompq::runtime
