// The same with LibTorch's tensors, for the rooms that run networks.
#include "common.h"

#include <ATen/ATen.h>
