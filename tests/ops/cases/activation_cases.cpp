#include "ops/op_case.h"

namespace ompq::testing {

OpCases activation_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const CaseInput wide = data(uniform({3, 40}, -30, 30, 2));
  return {
      {"Relu", 13, "images", {}, {x}},
      {"Relu", 14, "integers", {}, {data(counting(DataType::Int32, {2, 4}, -4, 3))}},
      {"Clip", 7, "bounds in attributes", {{"min", -0.5F}, {"max", 0.7F}}, {x}},
      {"Clip", 7, "no bounds", {}, {x}},
      {"Clip", 10, "lower attribute alone", {{"min", 0.1F}}, {x}},
      {"Clip",
       13,
       "bounds in inputs",
       {},
       {x, constant(Tensor::scalar(-0.5F)), constant(Tensor::scalar(0.7F))}},
      {"Clip", 13, "upper input alone", {}, {x, absent(), constant(Tensor::scalar(0.7F))}},
      {"Clip", 13, "no inputs", {}, {x}},
      {"Clip",
       13,
       "integers",
       {},
       {data(counting(DataType::Int64, {12}, -6, 6)),
        constant(Tensor::scalar<std::int64_t>(-2)),
        constant(Tensor::scalar<std::int64_t>(3))}},
      {"LeakyRelu", 13, "default slope", {}, {x}},
      {"LeakyRelu", 13, "steep slope", {{"alpha", 0.3F}}, {x}},
      {"PRelu", 13, "slope per channel", {}, {x, constant(uniform({3, 1, 1}, 0, 1, 3))}},
      {"PRelu", 7, "one slope", {}, {x, constant(uniform({1}, 0, 1, 3))}},
      {"PRelu", 13, "negative slope", {}, {x, constant(uniform({3, 1, 1}, -1, 0, 3))}},
      {"Sigmoid", 13, "both signs", {}, {wide}},
      {"HardSigmoid", 13, "defaults", {}, {x}},
      {"HardSigmoid",
       13,
       "MobileNetV3's",
       {{"alpha", 1.0F / 6}, {"beta", 0.5F}},
       {data(uniform({2, 30}, -5, 5, 4))}},
      {"HardSwish", 14, "all three pieces", {}, {data(uniform({2, 30}, -5, 5, 4))}},
      {"Elu", 13, "default", {}, {x}},
      {"Elu", 13, "alpha 0.5", {{"alpha", 0.5F}}, {x}},
      {"Selu", 13, "defaults", {}, {x}},
      {"Selu", 13, "other numbers", {{"alpha", 1.2F}, {"gamma", 0.9F}}, {x}},
      {"Celu", 12, "alpha 2", {{"alpha", 2.0F}}, {x}},
      {"Softplus", 13, "from -30 to 30", {}, {wide}},
      {"Mish", 18, "both signs", {}, {data(uniform({2, 30}, -8, 8, 5))}},
      {"Gelu", 20, "exact", {}, {x}},
      {"Gelu", 20, "tanh", {{"approximate", "tanh"}}, {x}},
      OpCase{"Gelu", 13, "ONNX Runtime's own", {}, {x}}.of_microsoft(),
      OpCase{"FastGelu", 13, "alone", {}, {x}}.of_microsoft(),
      OpCase{"FastGelu", 17, "with a bias", {}, {x, constant(normal({5}, 2))}}.of_microsoft(),
      OpCase{"QuickGelu", 13, "default", {}, {x}}.of_microsoft(),
      OpCase{"QuickGelu", 17, "alpha 1.2", {{"alpha", 1.2F}}, {x}}.of_microsoft(),
      {"Swish", 24, "alpha 1.5", {{"alpha", 1.5F}}, {x}},
      OpCase{"SwiGLU", 28, "alpha 1.5", {{"alpha", 1.5F}}, {x, data(normal({2, 3, 4, 5}, 2))}}
          .not_judged("the judge knows opsets up to 26"),
      {"ThresholdedRelu", 13, "alpha 0.4", {{"alpha", 0.4F}}, {x}},
      {"Shrink", 13, "defaults", {}, {x}},
      {"Shrink", 13, "soft", {{"lambd", 0.3F}, {"bias", 0.3F}}, {x}},
  };
}

}  // namespace ompq::testing
