#pragma once

#include <filesystem>
#include <set>
#include <string_view>
#include <vector>

#include "ompq/core/output_files.h"
#include "ompq/options/options.h"

namespace ompq::commands {

/// Refuses, before a command begins, every file that it would write in a place where it cannot, or
/// over something that it reads: those that options name, and those that come next to them (the
/// journal, the checkpoint, encodings, external data). What it reads are the files of options, the
/// samples and labels in folders, and preprocessing next to a network. See check_output_files().
/// @param command  its name in command_table().
/// @param also_read  the external data of the networks, known once they were opened.
void check_outputs(std::string_view command,
                   const OptionValues& options,
                   const std::set<std::filesystem::path>& also_read = {});

/// What comes next to the network that --output names: its external data, the journal, and the
/// second file of its --format. For CommandRow::companions.
void add_network_companions(const OptionValues& options, std::vector<NamedFile>& written);

}  // namespace ompq::commands
