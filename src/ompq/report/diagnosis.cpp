#include "ompq/report/diagnosis.h"

#include <algorithm>

namespace ompq::report {

std::vector<const LayerDiagnosis*> offenders(const Diagnosis& diagnosis) {
  std::vector<const LayerDiagnosis*> sorted;
  for (const LayerDiagnosis& layer : diagnosis.layers) {
    if (layer.gain_db) sorted.push_back(&layer);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return *a->gain_db > *b->gain_db;
  });
  return sorted;
}

}  // namespace ompq::report
