#pragma once

#include <filesystem>
#include <set>
#include <string_view>
#include <vector>

#include "ompq/core/output_files.h"
#include "ompq/options/options.h"

namespace ompq::commands {

/// Checks all output files before a command starts: those given by options and those next to them
/// (journal, checkpoint, encodings, external data) must be writable and must not overwrite inputs:
/// files of options, samples and labels in folders, and preprocessing next to a network. See
/// check_output_files().
/// @param command  its name in command_table().
/// @param also_read  the external data of the networks, known after opening them.
void check_outputs(std::string_view command,
                   const OptionValues& options,
                   const std::set<std::filesystem::path>& also_read = {});

/// The files next to --output: its external data, the journal, and the second file of its --format.
/// For CommandRow::companions.
void add_network_companions(const OptionValues& options, std::vector<NamedFile>& written);

}  // namespace ompq::commands
