// The same with LibTorch's tensors, for tests of the rooms that run networks.
#include "test.h"

#include <ATen/ATen.h>
