// The same with GoogleTest, for the test programs.
#include "common.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
