#pragma once

namespace ompq::runtime {

/// Throws the exception that is being handled again; one of a library that is not a bug (memory,
/// threads, the file system) is converted to an ompq::Error in the user's words. Other exceptions,
/// such as those of a caller's progress handler, are unchanged.
[[noreturn]] void rethrow_in_own_words();

}  // namespace ompq::runtime
