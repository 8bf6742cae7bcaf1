#include "ompq/ompq.h"

namespace ompq {

const char* library_version() { return kVersion; }

}  // namespace ompq
