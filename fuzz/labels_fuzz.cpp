#include "fuzz_target.h"
#include "input_file.h"
#include "ompq/data/image_files.h"

namespace {

void list_labels(std::string_view bytes) {
  using namespace ompq;
  const fuzz::InputFile input(bytes, "labels.csv");
  (void)data::list_labelled(input.folder(), true);
}

}  // namespace

OMPQ_FUZZ_TARGET(labels, list_labels);
