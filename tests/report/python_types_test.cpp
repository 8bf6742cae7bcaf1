#include "ompq/report/python_types.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/report/documents.h"
#include "support/paths.h"

namespace ompq::report {
namespace {

using ::testing::HasSubstr;

TEST(PythonTypes, AreThoseOfThePackage) {
  EXPECT_EQ(read_file(testing::source_dir() / "python/ompq/results.py"), python_types())
      << "run 'make docs' to write python/ompq/results.py again";
}

TEST(PythonTypes, HaveOneClassPerStructAndOneEntryPerFunction) {
  const std::string text = python_types();
  for (const fields::Struct& made : documents().schema.structs()) {
    EXPECT_THAT(text, HasSubstr("\nclass " + made.name + "(Re"));
  }
  EXPECT_THAT(text, HasSubstr("\nclass LayerRow(Record):\n"));
  EXPECT_THAT(text, HasSubstr("\nclass Sweep(Result):\n"));
  EXPECT_THAT(text, HasSubstr("    \"evaluate\": EvaluatedNetwork,\n"));
  EXPECT_THAT(text, HasSubstr("    \"sweep\": Sweep,\n"));
}

TEST(PythonTypes, MarkFieldsThatMayBeLeftOutOrNone) {
  const std::string text = python_types();
  EXPECT_THAT(text, HasSubstr("    tied_to: Optional[str]\n"));
  EXPECT_THAT(text, HasSubstr("    skipped: Optional[int] = None\n"));
  EXPECT_THAT(text, HasSubstr("    versions: Optional[dict[str, str]] = None\n"));
  EXPECT_THAT(text, HasSubstr("    preprocess: Optional[dict[str, Any]] = None\n"));
  EXPECT_THAT(text, HasSubstr("    values: list[list[float]]  # type: ignore[assignment]\n"));
  EXPECT_THAT(text, HasSubstr("    format: str\n    \"\"\"Always ompq-sweep/2.\"\"\"\n"));
}

TEST(PythonTypes, FitInto100Columns) {
  std::istringstream lines(python_types());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}
}  // namespace
}  // namespace ompq::report
