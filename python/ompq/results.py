"""What the functions return: the documents of `--json`, as dicts.

Numbers that are not there are left out, as NotRequired says. Names are those of the C++ structs in
ompq/report.
"""

from typing import Any, NotRequired, TypedDict


class ModelFile(TypedDict):
    file: str
    sha256: str
    bytes: int


class SamplesUsed(TypedDict):
    """Which samples were used, and how they were preprocessed."""

    source: str
    """A path, or what the arrays are called: names, types, shapes and a digest."""
    split: NotRequired[str]
    count: int
    seed: int
    skipped: NotRequired[int]
    preprocess: NotRequired[dict[str, Any]]


class Evaluation(TypedDict):
    """What a network got right, or how close it stays to another one. Shares are 0..1."""

    samples: int
    skipped: NotRequired[int]
    classes: NotRequired[int]
    top1: NotRequired[float]
    top5: NotRequired[float]
    cross_entropy: NotRequired[float]
    agreement: NotRequired[float]
    divergence: NotRequired[float]
    snr_db: NotRequired[float]
    seconds: float


class NamedShape(TypedDict):
    name: str
    shape: str


class NamedText(TypedDict):
    name: str
    value: str


class LayerRow(TypedDict):
    name: str
    operator: str
    weights: int
    biases: int
    parameters: int
    macs: int
    float_input: bool
    output_shape: str
    feature_size: int
    block: str
    tie: str | None


class BlockRow(TypedDict):
    name: str
    layers: list[str]


class RejectedRow(TypedDict):
    name: str
    operator: str
    reason: str


class Inspection(TypedDict):
    format: str
    model: ModelFile
    opset: int
    inputs: list[NamedShape]
    outputs: list[NamedShape]
    parameters: int
    macs: int
    layers: list[LayerRow]
    blocks: list[BlockRow]
    not_quantizable: list[RejectedRow]
    metadata: list[NamedText]


class Solver(TypedDict):
    name: str
    status: str
    objective: float
    gap: float
    seconds: float


class AllocationRow(TypedDict):
    """One allocator's answer; only `allocator` and `refused` where it has none."""

    allocator: str
    refused: NotRequired[str]
    weight_bits: NotRequired[list[int]]
    average_bits: NotRequired[float]
    bytes: NotRequired[int]
    paper_mib: NotRequired[float]
    gbops: NotRequired[float]
    predicted_loss: NotRequired[float]
    solver: NotRequired[Solver]


class LossRows(TypedDict):
    metric: str
    unit: str
    widths: list[int]
    values: list[list[float]]


class Candidate(TypedDict):
    origin: str
    divergence: float
    weight_bits: list[int]


class Portfolio(TypedDict):
    measure: str
    winner: str
    steps: list[float]
    evaluations: int
    time_limit_struck: bool
    candidates: list[Candidate]


class Search(TypedDict):
    format: str
    command: str
    versions: dict[str, str]
    model: ModelFile
    samples: SamplesUsed
    budget: str
    accounting: str
    scheme: str
    activation_bits: str
    layers: list[LayerRow]
    orm: NotRequired[list[list[float]]]
    estimator: NotRequired[str]
    precision: NotRequired[str]
    beta: NotRequired[float]
    gamma: NotRequired[list[float]]
    theta: NotRequired[list[float]]
    coefficients: NotRequired[list[float]]
    losses: NotRequired[list[LossRows]]
    portfolio: NotRequired[Portfolio]
    allocations: list[AllocationRow]
    """The chosen one first."""
    seconds: dict[str, float]


class QuantizedRow(TypedDict):
    allocator: str
    method: str
    file: NotRequired[str]
    bytes_on_disk: int
    bytes_promised: int
    average_bits: float
    gbops: float
    compression: float
    weight_bits: list[int]
    evaluation: Evaluation


class Distribution(TypedDict):
    layer: str
    kind: str
    edges: list[float]
    counts: list[float]
    low: float
    high: float


# A field that Python's own name would hide in a class.
FloatEvaluation = TypedDict("FloatEvaluation", {"float": Evaluation})


class Quantization(Search, FloatEvaluation):
    bytes_on_disk: int
    bytes_promised: int
    evaluated_on: SamplesUsed
    evaluation: Evaluation
    networks: list[QuantizedRow]
    """The chosen one first."""
    reconstruction: NotRequired[dict[str, Any]]
    histograms: NotRequired[list[Distribution]]
    diagnosis: NotRequired[dict[str, Any]]


class EpochRecord(TypedDict):
    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy: float | None
    validation_loss: float | None
    validation_top1: float | None
    validation_agreement: float | None
    images_per_second: float
    seconds: float
    best_epoch: int
    best: float


class Finetuning(Quantization):
    trained_on: SamplesUsed
    best_epoch: int
    """From 1 on; 0: none was better than the start."""
    stopped_early: bool
    resumed_epochs: int
    training: NotRequired[dict[str, str]]
    epochs: list[EpochRecord]


class ComparisonRow(TypedDict):
    budget: str
    allocator: str
    refused: NotRequired[str]
    average_bits: NotRequired[float]
    bytes: NotRequired[int]
    gbops: NotRequired[float]
    seconds: NotRequired[float]
    evaluation: NotRequired[Evaluation]
    weight_bits: NotRequired[list[int]]


class RankCorrelation(TypedDict):
    metric: str
    accuracy: float | None
    divergence: float | None


class Comparison(FloatEvaluation):
    format: str
    command: str
    versions: dict[str, str]
    model: ModelFile
    samples: SamplesUsed
    evaluated_on: SamplesUsed
    activation_bits: str
    budgets: list[str]
    allocators: list[str]
    rows: list[ComparisonRow]
    random_allocations: int
    rank_correlation: list[RankCorrelation]
    seconds: dict[str, float]


class SweepPoint(TypedDict):
    bytes: int
    average_bits: float
    gbops: float
    divergence: float
    predicted_loss: float
    gap: float
    weight_bits: list[int]


class Sweep(TypedDict):
    format: str
    command: str
    versions: dict[str, str]
    model: ModelFile
    samples: SamplesUsed
    metric: str
    measure: str
    activation_bits: str
    layers: list[LayerRow]
    knee: int
    picked: NotRequired[int]
    points: list[SweepPoint]
    seconds: dict[str, float]


class LatencyTemplate(TypedDict):
    format: str
    model: ModelFile
    file: str
    layers: int


class EvaluatedNetwork(TypedDict):
    format: str
    model: ModelFile
    samples: SamplesUsed
    evaluation: Evaluation


class DiffRow(TypedDict):
    layer: str
    layer_b: str
    operator: str
    value_a: str
    value_b: str
    matched_by: str
    equal: bool
    finite: bool
    parted: bool
    snr_db: NotRequired[float]
    cosine: NotRequired[float]
    largest_difference: float


class Diff(TypedDict):
    """Layers of two networks next to each other, in the order of the first."""

    format: str
    a: ModelFile
    b: ModelFile
    samples: SamplesUsed
    threshold_db: float
    first_apart: str | None
    agreement: NotRequired[float]
    rows: list[DiffRow]
    only_in_a: list[str]
    only_in_b: list[str]
    seconds: float


BY_FUNCTION: dict[str, type] = {
    "inspect": Inspection,
    "search": Search,
    "quantize": Quantization,
    "finetune": Finetuning,
    "compare": Comparison,
    "sweep": Sweep,
    "latency_table": LatencyTemplate,
    "evaluate": EvaluatedNetwork,
    "diff": Diff,
}
"""What each function returns."""
