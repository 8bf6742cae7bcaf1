#include "ompq/core/version.h"

// The rooms make up the shared library; this is what it holds besides.

namespace ompq {

const char* library_version() { return kVersion; }

}  // namespace ompq
