#pragma once

/// All of ompq's C++ interface. docs/cpp.md introduces it.
#include "ompq/compare.h"
#include "ompq/errors.h"
#include "ompq/evaluate.h"
#include "ompq/finetune.h"
#include "ompq/load.h"
#include "ompq/log.h"
#include "ompq/options.h"
#include "ompq/progress.h"
#include "ompq/quantize.h"
#include "ompq/report.h"
#include "ompq/search.h"
#include "ompq/version.h"
