#pragma once

#include <gtest/gtest.h>

namespace ompq::testing {

/// True in a build with a sanitizer, whose programs take longer to start.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace ompq::testing

/// For tests that measure or limit memory. A sanitizer keeps freed blocks, needs terabytes of
/// addresses, and ends the program where `new` would throw.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OMPQ_NEEDS_PLAIN_MEMORY() GTEST_SKIP() << "a sanitizer uses memory in a way of its own"
#else
#define OMPQ_NEEDS_PLAIN_MEMORY() static_cast<void>(0)
#endif
