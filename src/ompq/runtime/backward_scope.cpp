#include "ompq/runtime/backward_scope.h"

#include <mutex>

#include <ATen/ATen.h>

namespace ompq::runtime {
namespace {

std::mutex scopes_mutex;
int scopes_open = 0;
bool onednn_before_scopes = true;

}  // namespace

BackwardScope::BackwardScope() {
  if (!kIsNeeded) return;
  const std::lock_guard lock(scopes_mutex);
  if (scopes_open++ > 0) return;
  onednn_before_scopes = at::globalContext().userEnabledMkldnn();
  at::globalContext().setUserEnabledMkldnn(false);
}

BackwardScope::~BackwardScope() {
  if (!kIsNeeded) return;
  const std::lock_guard lock(scopes_mutex);
  if (--scopes_open == 0) at::globalContext().setUserEnabledMkldnn(onednn_before_scopes);
}

}  // namespace ompq::runtime
