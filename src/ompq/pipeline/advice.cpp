#include "ompq/pipeline/advice.h"

namespace ompq::pipeline {

std::vector<report::Advice> advise(const report::Diagnosis&) { return {}; }

}  // namespace ompq::pipeline
