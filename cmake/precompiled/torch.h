// The same with LibTorch's tensors, for the rooms that run networks.
#include <ATen/ATen.h>

#include "common.h"
