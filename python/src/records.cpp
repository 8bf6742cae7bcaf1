// The extension _records: the program's table of commands with their option records.
#include <string>
#include <string_view>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "ompq/core/nearest_name.h"
#include "ompq/core/version.h"
#include "ompq/options/command_table.h"
#include "ompq/options/options.h"

namespace py = pybind11;

namespace ompq::python {
namespace {

void bind_option_type(py::module_& module) {
  py::enum_<OptionType>(module, "OptionType")
      .value("Flag", OptionType::Flag)
      .value("Text", OptionType::Text)
      .value("Path", OptionType::Path)
      .value("Paths", OptionType::Paths)
      .value("Choice", OptionType::Choice)
      .value("Choices", OptionType::Choices)
      .value("Integer", OptionType::Integer)
      .value("Number", OptionType::Number)
      .value("Integers", OptionType::Integers)
      .value("Numbers", OptionType::Numbers)
      .value("ByteCount", OptionType::ByteCount)
      .value("ByteCounts", OptionType::ByteCounts)
      .value("Count", OptionType::Count)
      .value("Duration", OptionType::Duration)
      .value("Ratio", OptionType::Ratio)
      .value("Globs", OptionType::Globs)
      .value("NamedShape", OptionType::NamedShape)
      .value("NamedWidths", OptionType::NamedWidths)
      .value("Widths", OptionType::Widths);
}

void bind_records(py::module_& module) {
  py::class_<OptionRecord>(module, "OptionRecord")
      .def_readonly("name", &OptionRecord::name)
      .def_readonly("type", &OptionRecord::type)
      .def_readonly("value_name", &OptionRecord::value_name)
      .def_readonly("fallback", &OptionRecord::fallback)
      .def_property_readonly(
          "choices", [](const OptionRecord& record) { return split_choices(record.choices); })
      .def_property_readonly("accepted_values", &accepted_values)
      .def_readonly("required", &OptionRecord::required)
      .def_readonly("group", &OptionRecord::group)
      // A default that depends on another option cannot be the default of a keyword.
      .def_property_readonly("text", [](const OptionRecord& record) {
        std::string text(record.text);
        if (!record.conditional_fallbacks.empty()) text += "; by default " + default_text(record);
        return text;
      });
  py::class_<CommandRecord>(module, "CommandRecord")
      .def_readonly("name", &CommandRecord::name)
      .def_property_readonly("function", &function_name)
      .def_readonly("summary", &CommandRecord::summary)
      .def_readonly("description", &CommandRecord::description)
      .def_property_readonly("operands",
                             [](const CommandRecord& command) {
                               return std::vector<OptionRecord>(command.operands.begin(),
                                                                command.operands.end());
                             })
      .def_readonly("options", &CommandRecord::options)
      .def_readonly("runs_networks", &CommandRecord::runs_networks);
}

}  // namespace
}  // namespace ompq::python

PYBIND11_MODULE(_records, module) {
  using namespace ompq;
  module.doc() = "The commands of ompq and their options.";
  python::bind_option_type(module);
  python::bind_records(module);
  module.attr("version") = std::string(version());
  module.def("command_table", [] {
    const auto table = command_table();
    return std::vector<CommandRecord>(table.begin(), table.end());
  });
  module.def(
      "nearest",
      [](std::string_view text, const std::vector<std::string_view>& candidates) {
        return meant_name(text, candidates);
      },
      py::arg("text"),
      py::arg("candidates"),
      "The candidate most similar to text, or ''.");
}
