#include "ompq/pipeline/layer_choices.h"

#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/core/options.h"

namespace ompq::pipeline {
namespace {

using Candidates = std::vector<std::vector<int>>;

/// Layers of the name, or else those that the pattern fits.
std::vector<std::size_t> layers_named(const Model& model, const std::string& name) {
  const auto& layers = model.discovery.layers;
  std::vector<std::size_t> found;
  std::vector<std::string_view> names;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    names.push_back(layers[l].name);
    if (layers[l].name == name) found.push_back(l);
  }
  if (!found.empty()) return found;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (::fnmatch(name.c_str(), layers[l].name.c_str(), 0) == 0) found.push_back(l);
  }
  if (!found.empty()) return found;
  const std::string_view near = nearest(name, names);
  throw ConfigError("layers",
                    fmt::format("no layer is called '{}'{}; 'ompq inspect' lists all {} layers",
                                name,
                                near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                                layers.size()));
}

/// Gives `widths` to the layers and to all that are tied to one of them.
void set(Candidates& candidates,
         const Model& model,
         const std::vector<std::size_t>& layers,
         std::vector<int> widths) {
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  for (const std::size_t l : layers) {
    candidates[l] = widths;
    for (const graph::Tie& tie : model.discovery.ties) {
      std::vector<graph::LayerId> members = tie.followers;
      members.push_back(tie.leader);
      if (std::find(members.begin(), members.end(), static_cast<graph::LayerId>(l)) ==
          members.end()) {
        continue;
      }
      for (const graph::LayerId member : members) {
        candidates[static_cast<std::size_t>(member)] = widths;
      }
    }
  }
}

}  // namespace

std::vector<std::vector<int>> layer_candidates(const Model& model, const LayerChoices& choices) {
  Candidates candidates(model.discovery.layers.size());
  if (candidates.empty()) return candidates;
  if (choices.first_last) {
    set(candidates, model, {0, candidates.size() - 1}, {*choices.first_last});
  }
  for (const auto& [name, widths] : choices.candidates) {
    set(candidates, model, layers_named(model, name), widths);
  }
  for (const auto& [name, width] : choices.pins) {
    set(candidates, model, layers_named(model, name), {width});
  }
  for (const std::string& name : choices.excluded) {
    set(candidates, model, layers_named(model, name), {allocation::kFloatBits});
  }
  return candidates;
}

}  // namespace ompq::pipeline
