#include "ompq/core/version.h"

namespace ompq {

const char* version() { return OMPQ_VERSION; }

}  // namespace ompq
