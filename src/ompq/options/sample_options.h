#pragma once

#include <array>

#include "ompq/options/options.h"

/// Which samples a command reads, and how images are preprocessed.
namespace ompq::options {

inline constexpr char kSplits[] = "train|test";
/// Rows of data::augmentations().
inline constexpr char kAugmentations[] = "none|shift|light|standard|strong";

inline constexpr OptionRecord kData{
    .name = "data",
    .short_name = 'd',
    .type = OptionType::Path,
    .value_name = "SRC",
    .required = true,
    .group = "Data",
    .text =
        "samples: a folder with one subfolder per class, a flat folder of images (with an optional "
        "labels.csv), IDX files, CIFAR-10 binary batches, an .npz file with one array per input "
        "(or x) and labels y, an .npy file, or a folder of .npy files"};

inline constexpr OptionRecord kSamples{
    .name = "samples",
    .short_name = 'n',
    .type = OptionType::Integer,
    .value_name = "N",
    .fallback = "64",
    .lower = 2,
    .group = "Data",
    .text =
        "number of calibration samples, drawn at random with --seed. If --data has no more samples "
        "than this and must also evaluate the result, a quarter of them is held out for that"};

inline constexpr OptionRecord kCalibrationSplit{
    .name = "split",
    .type = OptionType::Choice,
    .value_name = "SPLIT",
    .fallback = "train",
    .choices = kSplits,
    .group = "Data",
    .text = "which split to draw from if the source has both (IDX, CIFAR-10)"};

inline constexpr OptionRecord kEvaluationSplit{
    .name = "split",
    .type = OptionType::Choice,
    .value_name = "SPLIT",
    .fallback = "test",
    .choices = kSplits,
    .group = "Data",
    .text = "which split to evaluate on if the source has both (IDX, CIFAR-10)"};

inline constexpr std::array<OptionRecord, 2> kLoading{{
    {.name = "batch",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "64",
     .lower = 1,
     .upper = 65536,
     .group = "Data",
     .text = "samples in one forward pass"},
    {.name = "skip-broken",
     .group = "Data",
     .text = "skip samples that cannot be read, and print how many were skipped"},
}};

inline constexpr std::array<OptionRecord, 2> kMeasured{{
    {.name = "eval-data",
     .type = OptionType::Path,
     .value_name = "SRC",
     .group = "Data",
     .text = "samples to evaluate the result on (the test split, if there are splits); by default "
             "up to 256 held-out samples of --data"},
    {.name = "limit",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Data",
     .text = "evaluate the result on N samples, drawn at random with --seed"},
}};

inline constexpr std::array<OptionRecord, 8> kPreprocessing{{
    {.name = "preprocess",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Preprocessing",
     .text = "preprocessing of images: an ompq-preprocess/1 JSON file, Hugging Face's "
             "preprocessor_config.json or timm's config.json; by default MODEL.preprocess.json in "
             "the model's folder, if it exists"},
    {.name = "channels",
     .type = OptionType::Choice,
     .value_name = "ORDER",
     .choices = "rgb|bgr|gray",
     .group = "Preprocessing",
     .text = "order of the colour channels; this and the options below override the preprocessing "
             "file"},
    {.name = "scale",
     .type = OptionType::Number,
     .value_name = "X",
     .lower = -kUnbounded,
     .group = "Preprocessing",
     .text = "factor applied to each pixel, such as 1/255; value = (pixel * scale - mean) / std"},
    {.name = "mean",
     .type = OptionType::Numbers,
     .value_name = "X,...",
     .lower = -kUnbounded,
     .group = "Preprocessing",
     .text = "mean to subtract, one number per channel"},
    {.name = "std",
     .type = OptionType::Numbers,
     .value_name = "X,...",
     .lower = kAboveZero,
     .group = "Preprocessing",
     .text = "standard deviation to divide by, one number per channel"},
    {.name = "resize",
     .type = OptionType::Integer,
     .value_name = "PIXELS",
     .lower = 1,
     .upper = 65536,
     .group = "Preprocessing",
     .text = "resize the shorter side to this length"},
    {.name = "crop",
     .type = OptionType::Integer,
     .value_name = "PIXELS",
     .lower = 1,
     .upper = 65536,
     .group = "Preprocessing",
     .text =
         "crop a centred square with this side; without --resize, the image is not resized first"},
    {.name = "interpolation",
     .type = OptionType::Choice,
     .value_name = "FILTER",
     .choices = "bilinear|bicubic|lanczos|nearest",
     .group = "Preprocessing",
     .text = "resampling filter, antialiased except for nearest; bilinear by default"},
}};

}  // namespace ompq::options
