#include "ompq/search/layer_choices.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq::search {
namespace {

using Candidates = std::vector<std::vector<int>>;

/// One rule for layers, with the option that gave it.
struct Rule {
  std::string_view option;
  std::string name;  ///< a layer's name, or a pattern
  std::vector<int> widths;
};

struct NamedLayers {
  std::vector<std::size_t> layers;
  bool exact = false;  ///< the name of one layer, not a pattern
};

/// The layer with the name, or else the layers that match the pattern.
NamedLayers layers_named(const pipeline::Model& model, const std::string& name) {
  const auto& layers = model.discovery.layers;
  NamedLayers found;
  std::vector<std::string_view> names;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    names.push_back(layers[l].name);
    if (layers[l].name == name) found.layers.push_back(l);
  }
  found.exact = !found.layers.empty();
  if (found.exact) return found;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (::fnmatch(name.c_str(), layers[l].name.c_str(), 0) == 0) found.layers.push_back(l);
  }
  if (!found.layers.empty()) return found;
  const std::string_view near = meant_name(name, names);
  throw ConfigError("layers",
                    fmt::format("no layer is named '{}'{}; 'ompq inspect' lists all {} layers",
                                name,
                                near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                                layers.size()));
}

/// The layers and all layers tied to them.
std::set<std::size_t> with_tied(const pipeline::Model& model,
                                const std::vector<std::size_t>& layers) {
  std::set<std::size_t> all(layers.begin(), layers.end());
  for (const graph::Tie& tie : model.discovery.ties) {
    std::vector<graph::LayerId> members = tie.followers;
    members.push_back(tie.leader);
    const bool touched = std::any_of(members.begin(), members.end(), [&](graph::LayerId member) {
      return std::find(layers.begin(), layers.end(), static_cast<std::size_t>(member)) !=
             layers.end();
    });
    if (touched) all.insert(members.begin(), members.end());
  }
  return all;
}

std::string text_of(const Rule& rule) {
  if (rule.widths == std::vector<int>{allocation::kFloatBits}) {
    return fmt::format("{} '{}'", rule.option, rule.name);
  }
  return fmt::format("{} '{}={}'", rule.option, rule.name, fmt::join(rule.widths, ","));
}

/// The layers tied to this one, as a parenthesis; "" if there are none.
std::string tied_text(const pipeline::Model& model, std::size_t layer) {
  std::vector<std::string> names;
  for (const std::size_t l : with_tied(model, {layer})) {
    if (l != layer) names.push_back(fmt::format("'{}'", model.discovery.layers[l].name));
  }
  return names.empty() ? ""
                       : fmt::format(" (it always has the width of {})", fmt::join(names, ", "));
}

/// Applies the rules. Rules with a layer's name override patterns; two contradicting rules of the
/// same kind are an error.
void apply(Candidates& candidates, const pipeline::Model& model, std::vector<Rule> rules) {
  std::vector<NamedLayers> named;
  for (Rule& rule : rules) {
    std::sort(rule.widths.begin(), rule.widths.end());
    rule.widths.erase(std::unique(rule.widths.begin(), rule.widths.end()), rule.widths.end());
    named.push_back(layers_named(model, rule.name));
  }
  for (const bool exact : {false, true}) {
    std::map<std::size_t, const Rule*> fixed;
    for (std::size_t r = 0; r < rules.size(); ++r) {
      if (named[r].exact != exact) continue;
      for (const std::size_t l : with_tied(model, named[r].layers)) {
        const Rule* before = fixed.emplace(l, &rules[r]).first->second;
        if (before->widths != rules[r].widths) {
          throw ConfigError(
              "layers",
              fmt::format("layer '{}' is given different widths by {} and {}{}; {}",
                          model.discovery.layers[l].name,
                          text_of(*before),
                          text_of(rules[r]),
                          tied_text(model, l),
                          exact ? "remove one of the two"
                                : "remove one of the two, or use the layer's own name in one"));
        }
        candidates[l] = rules[r].widths;
      }
    }
  }
}

}  // namespace

std::vector<std::vector<int>> layer_candidates(const pipeline::Model& model,
                                               const LayerChoices& choices) {
  Candidates candidates(model.discovery.layers.size());
  if (candidates.empty()) return candidates;
  if (choices.first_last) {
    for (const std::size_t l : with_tied(model, {0, candidates.size() - 1})) {
      candidates[l] = {*choices.first_last};
    }
  }
  std::vector<Rule> allowed;
  for (const auto& [name, widths] : choices.candidates) {
    allowed.push_back({"--candidates", name, widths});
  }
  apply(candidates, model, std::move(allowed));
  std::vector<Rule> fixed;
  for (const auto& [name, width] : choices.pins) fixed.push_back({"--pin", name, {width}});
  for (const std::string& name : choices.excluded) {
    fixed.push_back({"--exclude", name, {allocation::kFloatBits}});
  }
  apply(candidates, model, std::move(fixed));
  return candidates;
}

}  // namespace ompq::search
