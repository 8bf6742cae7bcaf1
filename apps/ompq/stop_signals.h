#pragma once

namespace ompq::app {

/// What signals do: SIGINT, SIGTERM, SIGHUP and SIGXCPU ask the work to stop at its next unit; a
/// second one, or four seconds without a unit, ends the program at once, after unfinished files are
/// removed. Ignored signals stay ignored (nohup, background jobs of a shell). SIGPIPE and SIGXFSZ
/// are ignored, so that a write fails with an error instead.
void handle_signals();

/// The functions of one library that signals call; the program and its engine have their own.
struct StopRoute {
  void (*request)() = nullptr;       ///< asks the running work to stop
  void (*remove_files)() = nullptr;  ///< removes unfinished files
};

/// From now on signals call these functions, also where a library has replaced the handlers since
/// handle_signals(). A request that came before is passed on.
void route_stop(const StopRoute& route);

/// Ends the program at once with this status, without destructors; unfinished files are removed.
/// Safe in a signal handler.
[[noreturn]] void end_at_once(int status);

}  // namespace ompq::app
