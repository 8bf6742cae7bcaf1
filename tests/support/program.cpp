#include "support/program.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/paths.h"

namespace ompq::testing {
namespace {

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void redirect(const std::filesystem::path& file, int flags, int descriptor) {
  const int opened = ::open(file.c_str(), flags, 0600);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
}

[[noreturn]] void become(const std::vector<std::string>& command,
                         const ProgramOptions& options,
                         const TemporaryDirectory& scratch) {
  redirect("/dev/null", O_RDONLY, STDIN_FILENO);
  redirect(scratch / "output", O_WRONLY | O_CREAT, STDOUT_FILENO);
  redirect(scratch / "error", O_WRONLY | O_CREAT, STDERR_FILENO);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  if (options.file_limit > 0) {
    // Ignored, the signal stays ignored in the program, and its write fails instead.
    std::signal(SIGXFSZ, SIG_IGN);
    const auto limit = static_cast<rlim_t>(options.file_limit);
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &limits);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& command, const ProgramOptions& options) {
  const TemporaryDirectory scratch;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) become(command, options, scratch);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          content(scratch / "output"),
          content(scratch / "error")};
}

}  // namespace ompq::testing
