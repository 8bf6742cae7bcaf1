#include "fuzz_target.h"
#include "input_file.h"
#include "ompq/data/preprocess_file.h"

namespace {

void read_preprocessing(std::string_view bytes) {
  using namespace ompq;
  const fuzz::InputFile input(bytes, "preprocess.json");
  const data::Preprocess read = data::read_preprocess(input.file());
  const fuzz::InputFile written(data::to_json(read), "preprocess.json");
  (void)data::read_preprocess(written.file());
}

}  // namespace

OMPQ_FUZZ_TARGET(preprocess, read_preprocessing);
