#pragma once

#include "ompq/errors.h"  // what the library throws is part of its public interface
