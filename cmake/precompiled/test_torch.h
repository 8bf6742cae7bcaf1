// The same with LibTorch's tensors, for tests of the rooms that run networks.
#include <ATen/ATen.h>

#include "test.h"
