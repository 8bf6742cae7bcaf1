#include "ompq/onnx_io/short_names.h"

#include <string_view>

namespace ompq::onnx_io {
namespace {

constexpr std::string_view kLetters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

}  // namespace

ShortNames::ShortNames(std::set<std::string> taken, std::size_t count) : taken_(std::move(taken)) {
  const std::size_t needed = count + taken_.size();
  for (std::size_t room = kLetters.size(); room < needed; room *= kLetters.size()) ++length_;
}

std::string ShortNames::fresh() {
  std::string name;
  do {
    name.assign(length_, kLetters[0]);
    std::uint64_t rest = next_++;
    for (std::size_t place = length_; place-- > 0; rest /= kLetters.size()) {
      name[place] = kLetters[rest % kLetters.size()];
    }
  } while (taken_.contains(name));
  return name;
}

}  // namespace ompq::onnx_io
