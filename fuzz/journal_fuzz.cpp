#include <cstdlib>
#include <string>

#include "fuzz_target.h"
#include "input_file.h"
#include "ompq/fields/read.h"
#include "ompq/pipeline/journal.h"

namespace {

/// A journal of the same run, of another one, or of nothing. What is found in it is JSON.
void open_journal(std::string_view bytes) {
  using namespace ompq;
  const fuzz::InputFile input(bytes, "run.journal");
  pipeline::Journal journal(input.file(), "fingerprint");
  for (const char* key : {"widths", "layer conv", "codes"}) {
    const auto unit = journal.find(key);
    if (unit) (void)fields::parse(*unit, {"journal", "remove it"});
  }
  journal.append("last", "{}");
  if (!journal.find("last")) std::abort();
}

}  // namespace

OMPQ_FUZZ_TARGET(journal, open_journal);
