#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ompq::ops {

/// Sampling of one axis by Resize and Upsample.
struct ResizeRule {
  enum class Mode { Nearest, Linear, Cubic };
  enum class Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixelForNn,
    TfCropAndResize,
  };
  /// Simple is that of Upsample and Resize-10: up for shrinking, down for enlarging.
  enum class Nearest { RoundPreferFloor, RoundPreferCeil, Floor, Ceil, Simple };

  Mode mode = Mode::Nearest;
  Coordinates coordinates = Coordinates::HalfPixel;
  Nearest nearest = Nearest::RoundPreferFloor;
  float cubic_a = -0.75F;
  bool exclude_outside = false;
  bool antialias = false;
  float extrapolation = 0.0F;  ///< TfCropAndResize: the value outside the input
};

/// One axis: `output` elements out of `input`, `scale` times as dense.
struct ResizeAxis {
  std::int64_t input = 1;
  std::int64_t output = 1;
  float scale = 1.0F;
  /// TfCropAndResize: the part of the input that is sampled, from 0 (first element) to 1 (last).
  float crop_start = 0.0F;
  float crop_end = 1.0F;

  [[nodiscard]] bool is_whole() const { return crop_start == 0.0F && crop_end == 1.0F; }
};

/// Position in the input that output element `i` samples, as ONNX defines it, in float32.
[[nodiscard]] float source_coordinate(const ResizeRule& rule,
                                      const ResizeAxis& axis,
                                      std::int64_t i);

/// TfCropAndResize: the output elements outside the input.
[[nodiscard]] std::vector<std::int64_t> outside_elements(const ResizeRule& rule,
                                                         const ResizeAxis& axis);

/// Nearest: the input element of each output element.
[[nodiscard]] std::vector<std::int64_t> nearest_sources(const ResizeRule& rule,
                                                        const ResizeAxis& axis);

/// Linear and cubic: the weights of all input elements in each output element, row-major
/// [output, input]. Rows sum to 1.
[[nodiscard]] std::vector<float> interpolation_weights(const ResizeRule& rule,
                                                       const ResizeAxis& axis);

}  // namespace ompq::ops
