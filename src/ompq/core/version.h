#pragma once

#include "ompq/version.h"
