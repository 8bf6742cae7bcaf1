#pragma once

namespace ompq::runtime {

/// Gives the current thread's signal mask to OpenMP's threads, if there may be some: those that
/// another user of OpenMP started before a SignalShield have another one. Call it after a shield is
/// set up.
void shield_workers();

}  // namespace ompq::runtime
