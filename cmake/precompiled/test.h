// The same with GoogleTest, for the test programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common.h"
