// The extension _engine: runs a command of the library with arguments from Python.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "arrays.h"
#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"
#include "provenance.h"
#include "python_log.h"
#include "watcher.h"

namespace py = pybind11;

namespace ompq::python {
namespace {

/// A class of the library's errors and its name in ompq.errors.
struct ErrorKind {
  std::string_view name;
  bool (*is)(const Error&);
};

template <typename Kind>
bool is_a(const Error& error) {
  return dynamic_cast<const Kind*>(&error) != nullptr;
}

bool is_any(const Error&) { return true; }

constexpr std::array<ErrorKind, 11> kErrorKinds{{
    {"ImportError", is_a<ImportError>},
    {"UnsupportedOp", is_a<UnsupportedOp>},
    {"ShapeError", is_a<ShapeError>},
    {"DataError", is_a<DataError>},
    {"FileError", is_a<FileError>},
    {"OutOfMemory", is_a<OutOfMemory>},
    {"InfeasibleBudget", is_a<InfeasibleBudget>},
    {"ConfigError", is_a<ConfigError>},
    {"Interrupted", is_a<Interrupted>},
    {"InternalError", is_a<InternalError>},
    {"Error", is_any},
}};

[[noreturn]] void raise(const Error& error) {
  // The last row matches all of them.
  const auto kind =
      std::ranges::find_if(kErrorKinds, [&](const ErrorKind& row) { return row.is(error); });
  const py::module_ errors = py::module_::import("ompq.errors");
  const py::object type = errors.attr(std::string(kind->name).c_str());
  const py::object raised = type(error.what());
  raised.attr("where") = error.where();
  PyErr_SetObject(type.ptr(), raised.ptr());
  throw py::error_already_set();
}

/// The arguments of one call, as Python objects.
struct Call {
  std::string command;
  std::map<std::string, std::vector<std::string>> texts;
  std::set<std::string> flags;
  commands::ArraySources arrays;
  std::string line;
};

GivenOptions given_options(const Call& call) {
  GivenOptions given;
  for (const auto& [name, texts] : call.texts) given.texts.emplace(name, texts);
  for (const std::string& name : call.flags) given.flags.insert(name);
  for (const auto& [name, arrays] : call.arrays) given.texts[name] = {data::arrays_text(arrays)};
  return given;
}

/// Call without the GIL.
std::string work(const Call& call, Watcher& watcher) {
  const CommandRecord* command = find_command(call.command);
  if (command == nullptr) {
    throw InternalError("python", fmt::format("there is no command '{}'", call.command));
  }
  return commands::run_as_json(
      call.command,
      {.options = read_options(*command, given_options(call)),
       .arrays = call.arrays,
       .progress = [&](const ProgressEvent& event) { watcher.show(event); },
       .provenance = app::provenance_of(call.line)});
}

using GivenArrays = std::map<std::string, std::map<std::string, py::array>>;

/// @return the result as JSON.
std::string run(std::string command,
                std::map<std::string, std::vector<std::string>> texts,
                std::set<std::string> flags,
                const GivenArrays& arrays,
                std::string line,
                const py::object& progress) {
  Watcher watcher(progress);
  try {
    Call call{std::move(command), std::move(texts), std::move(flags), {}, std::move(line)};
    for (const auto& [name, named] : arrays) call.arrays.emplace(name, to_named_arrays(named));
    const InterruptRoute route;
    const py::gil_scoped_release released;
    return work(call, watcher);
  } catch (const Error& error) {
    watcher.rethrow();
    raise(error);
  }
}

}  // namespace
}  // namespace ompq::python

PYBIND11_MODULE(_engine, module) {
  module.doc() = "Runs commands of ompq.";
  ompq::python::route_log_to_python();
  module.def("run",
             &ompq::python::run,
             pybind11::arg("command"),
             pybind11::arg("texts"),
             pybind11::arg("flags"),
             pybind11::arg("arrays"),
             pybind11::arg("line"),
             pybind11::arg("progress"));
}
