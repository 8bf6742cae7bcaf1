"""What the functions return: the documents of `--json`, as dicts.

Fields that are not there are left out, as NotRequired says. Made by `ompq --print-docs python` from
the fields that the structs of src/ompq/report declare; `make docs` writes it again.
"""

from typing import Any, NotRequired, TypedDict


class ModelFile(TypedDict):
    """A network's file."""

    file: str
    sha256: str
    bytes: int


class NamedShape(TypedDict):
    """An input or output."""

    name: str
    shape: str
    """Such as Nx3x224x224."""


class LayerRow(TypedDict):
    """A layer of the network."""

    name: str
    op_type: str
    """Of its ONNX node."""
    weights: int
    biases: int
    paper_parameters: int
    """As the paper counts them (norm and tied projections included)."""
    macs: int
    """For one sample."""
    float_input: bool
    """What it reads is never quantized, whatever --act-bits says."""
    output_shape: str
    """Such as Nx64x56x56."""
    feature_size: int
    """Elements of its output for one sample."""
    block: str
    """Empty where the layer is in none."""
    tied_to: str | None
    """The layer whose width it follows."""


class BlockRow(TypedDict):
    """Layers that are rounded together."""

    name: str
    layers: list[str]


class RejectedRow(TypedDict):
    """A node whose bits cannot be chosen."""

    name: str
    op_type: str
    """Of its ONNX node."""
    reason: str


class NamedText(TypedDict):
    """An entry of the file's metadata."""

    name: str
    value: str


class FileQuantization(TypedDict):
    """What a file that ompq wrote says of its quantization."""

    version: str
    """Of ompq."""
    float_sha256: str
    """Of the float network's file."""
    budget: str
    """Empty where there was none."""
    weight_bits: list[int]
    """In layer order; 32 is float."""
    activation_bits: list[int]
    """In layer order; 32 is float."""


class Inspection(TypedDict):
    """What `ompq inspect` finds in a file."""

    format: str
    """It is ompq-inspect/2."""
    model: ModelFile
    opset: int
    inputs: list[NamedShape]
    outputs: list[NamedShape]
    parameters: int
    """Elements of all float constants."""
    macs: int
    """Of all layers, for one sample."""
    layers: list[LayerRow]
    """In topological order."""
    blocks: list[BlockRow]
    not_quantizable: list[RejectedRow]
    """Nodes with weights that stay float."""
    copied: NotRequired[list[RejectedRow]]
    """Nodes that are not run, and are in written files as they are."""
    metadata: list[NamedText]
    quantization: NotRequired[FileQuantization]
    """Of a file that ompq wrote."""


class SamplesUsed(TypedDict):
    """Which samples a run used, and how they were preprocessed."""

    source: str
    """A path, or what arrays are called: names, types, shapes and a digest."""
    count: int
    seed: int
    split: NotRequired[str]
    """Train or test, where the source has parts."""
    skipped: NotRequired[int]
    """Broken samples left out."""
    preprocess: NotRequired[dict[str, Any]]
    """An ompq-preprocess/1 document."""


class LossRows(TypedDict):
    """What one metric says of every layer at every width."""

    metric: str
    unit: str
    widths: list[int]
    """Columns of values."""
    values: list[list[float]]
    """Layers x widths."""


class DroppedMetric(TypedDict):
    """What could not be measured on this network or these samples."""

    metric: str
    """Orm: orthogonality of features; pairwise: interactions."""
    reason: str


class Candidate(TypedDict):
    """An allocation that `auto` tried."""

    origin: str
    """The allocator, with its parameters."""
    divergence: float
    """On the samples that rank."""
    weight_bits: list[int]
    """In layer order; 32 is float."""


class Portfolio(TypedDict):
    """How `auto` came to its allocation."""

    measure: str
    """What a divergence is, with its unit."""
    winner: str
    """Origin of the best candidate."""
    steps: list[float]
    """Divergence of the winner and after every refining step, on all samples."""
    evaluations: int
    """Passes of the network, whole or from a changed layer on."""
    time_limit_struck: bool
    candidates: list[Candidate]
    """In the order in which they were tried."""


class Solver(TypedDict):
    """How the widths were found."""

    name: str
    status: str
    """Optimal, time-limit, rounded, rule or local-search."""
    objective: float
    gap: float
    """To the best possible objective, relative."""
    seconds: float


class AllocationRow(TypedDict):
    """Bits per layer that one allocator chose, and what they cost."""

    allocator: str
    """That answered."""
    refused: NotRequired[str]
    """Why it has no answer under the budget; nothing else then."""
    weight_bits: NotRequired[list[int]]
    """In layer order; 32 is float."""
    average_bits: NotRequired[float]
    """Over all quantized weights."""
    bytes: NotRequired[int]
    """Of the file that quantize would write."""
    paper_mib: NotRequired[float]
    """Size as the paper counts it, MiB."""
    gbops: NotRequired[float]
    """1e9 bit operations for one sample."""
    instead_of: NotRequired[str]
    """The allocator that was asked for and cannot answer here."""
    predicted_loss: NotRequired[float]
    """Sum over layers of the first measured metric."""
    solver: NotRequired[Solver]


class Search(TypedDict):
    """What `ompq search` finds."""

    format: str
    """It is ompq-search/2."""
    command: NotRequired[str]
    """What made this result: for a POSIX shell, or as a call in Python."""
    versions: NotRequired[dict[str, str]]
    """Of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """That layers were measured with."""
    budget: str
    """In words."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: NotRequired[list[list[float]]]
    """Orthogonality matrix, layers x layers."""
    estimator: NotRequired[str]
    """Of the orthogonality matrix."""
    precision: NotRequired[str]
    """That features were computed in."""
    beta: NotRequired[float]
    gamma: NotRequired[list[float]]
    """By layer."""
    theta: NotRequired[list[float]]
    """By layer."""
    coefficients: NotRequired[list[float]]
    """By layer."""
    losses: NotRequired[list[LossRows]]
    """One entry a metric that was measured."""
    dropped: NotRequired[list[DroppedMetric]]
    """Metrics that could not be measured."""
    portfolio: NotRequired[Portfolio]
    """Where `auto` chose."""
    allocations: list[AllocationRow]
    """The chosen one first, then those next to it."""
    seconds: dict[str, float]
    """By step, in the order in which the steps began."""


class Evaluation(TypedDict):
    """What a network got right, or how close it stays to another one."""

    samples: int
    skipped: NotRequired[int]
    """Broken samples left out."""
    classes: NotRequired[int]
    """Where the first output is a row of class scores."""
    top1: NotRequired[float]
    """Share of samples, 0..1, where there are labels."""
    top5: NotRequired[float]
    """Share of samples, 0..1, where there are labels and more than 5 classes."""
    cross_entropy: NotRequired[float]
    """Mean over the samples, nats, where there are labels."""
    agreement: NotRequired[float]
    """Share of samples, 0..1, whose best class is the reference's."""
    divergence: NotRequired[float]
    """Mean Kullback-Leibler divergence from the reference's softmax, nats."""
    snr_db: NotRequired[float]
    """10 log10(|reference|^2 / |difference|^2) of the first output."""
    seconds: float


class QuantizedRow(TypedDict):
    """One quantized network next to the float one."""

    allocator: str
    """That answered."""
    method: str
    """How weights were rounded."""
    bytes_on_disk: int
    """Of the file."""
    bytes_promised: int
    """Of the file, computed before it was written."""
    average_bits: float
    """Over all quantized weights."""
    gbops: float
    """1e9 bit operations for one sample."""
    compression: float
    """Float file / this file."""
    weight_bits: list[int]
    """In layer order; 32 is float."""
    evaluation: Evaluation
    instead_of: NotRequired[str]
    """The allocator that was asked for and cannot answer here."""
    file: NotRequired[str]
    """Where more than the chosen network was kept."""


class ReconstructedBlock(TypedDict):
    """One layer or block that a step worked on."""

    step: str
    """Compensation or learning."""
    name: str
    iterations: int
    seconds: float
    loss_before: float
    """Squared error of its output over the output's energy."""
    loss_after: float
    snr_before_db: float
    snr_after_db: float
    kept_initial: bool
    """What it started from was better."""


class RestoredNetwork(TypedDict):
    """Bias correction and norm re-estimation."""

    snr_before_db: float
    """Of the outputs, on the calibration samples."""
    snr_after_db: float
    kept_initial: bool
    """The network was better without them."""


class DistilledNetwork(TypedDict):
    """Tuning of the network as a whole."""

    steps: int
    seconds: float
    loss_before: float
    """On held-out samples."""
    loss_after: float
    kept_initial: bool
    """What it started from was better."""


class Reconstruction(TypedDict):
    """How weights became codes."""

    method: str
    effort: str
    samples: int
    blocks: list[ReconstructedBlock]
    restoration: NotRequired[RestoredNetwork]
    distillation: NotRequired[DistilledNetwork]


class Histogram(TypedDict):
    """How often values of a layer occur, and what its quantizer covers of them."""

    layer: str
    kind: str
    """Weight or activation."""
    edges: list[float]
    """Of the bins, ascending; one more than there are bins."""
    counts: list[float]
    low: float
    """Of the quantizer's range; for a weight that of its widest channel."""
    high: float


class LayerDiagnosis(TypedDict):
    """What quantization does to one layer. Signal-to-noise ratios are in dB, over all samples;
    none where there is no noise, or no signal."""

    name: str
    op_type: str
    """Of its ONNX node."""
    block: str
    """Empty where the layer is in none."""
    weight_bits: NotRequired[int]
    """None where unknown or float."""
    activation_bits: NotRequired[int]
    """Of its input; none where unknown or float."""
    snr_before_db: NotRequired[float]
    """Of its output, with weights rounded to nearest."""
    snr_after_db: NotRequired[float]
    """Of its output, in the result."""
    weight_snr_db: NotRequired[float]
    """Of the operator's output, if only the weights are quantized."""
    input_snr_db: NotRequired[float]
    """Of the operator's output, if only the input is quantized."""
    gain_db: NotRequired[float]
    """How much the SNR of the network's first output would grow if this layer alone were float."""
    channel_spread: float
    """Of the input: the largest |x| over the median of the channels' largest |x|, which one
    scale serves."""
    clipped_share: float
    """Elements outside of the quantizer's range, 0..1."""
    clipping_noise_share: float
    """Of the quantizer's noise, that of such elements, 0..1."""
    peak_to_rms: float
    """Of the input: largest |x| over the root mean square."""


class BlockDiagnosis(TypedDict):
    """What quantization does to a block's output."""

    name: str
    layers: list[str]
    snr_before_db: NotRequired[float]
    """With weights rounded to nearest."""
    snr_after_db: NotRequired[float]
    """In the result."""


class Advice(TypedDict):
    """What stands out and what can be done about it."""

    layer: str
    """Empty where it is about the whole network."""
    finding: str
    """With the measured values."""
    remedy: str
    """With the options to give."""


class Diagnosis(TypedDict):
    """Where a quantized network loses its signal: before is with weights rounded to nearest,
    after the result of the method."""

    samples: int
    """That the SNRs are measured on."""
    gain_samples: int
    """That gain_db is measured on; 0: not measured."""
    output_snr_before_db: NotRequired[float]
    """Of the network's first output."""
    output_snr_after_db: NotRequired[float]
    """Of the network's first output."""
    layers: list[LayerDiagnosis]
    """In topological order."""
    blocks: list[BlockDiagnosis]
    advice: list[Advice]
    """The most harmful layers first."""


class Quantization(TypedDict):
    """What `ompq quantize` wrote, with the search before it."""

    format: str
    """It is ompq-quantize/2."""
    command: NotRequired[str]
    """What made this result: for a POSIX shell, or as a call in Python."""
    versions: NotRequired[dict[str, str]]
    """Of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """That layers were measured with."""
    budget: str
    """In words."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: NotRequired[list[list[float]]]
    """Orthogonality matrix, layers x layers."""
    estimator: NotRequired[str]
    """Of the orthogonality matrix."""
    precision: NotRequired[str]
    """That features were computed in."""
    beta: NotRequired[float]
    gamma: NotRequired[list[float]]
    """By layer."""
    theta: NotRequired[list[float]]
    """By layer."""
    coefficients: NotRequired[list[float]]
    """By layer."""
    losses: NotRequired[list[LossRows]]
    """One entry a metric that was measured."""
    dropped: NotRequired[list[DroppedMetric]]
    """Metrics that could not be measured."""
    portfolio: NotRequired[Portfolio]
    """Where `auto` chose."""
    allocations: list[AllocationRow]
    """The chosen one first, then those next to it."""
    seconds: dict[str, float]
    """By step, in the order in which the steps began."""
    bytes_on_disk: int
    """Of the chosen network."""
    bytes_promised: int
    """Of the file, computed before it was written."""
    evaluated_on: SamplesUsed
    float_evaluation: Evaluation
    """Of the float network."""
    evaluation: Evaluation
    """Of the chosen network."""
    networks: list[QuantizedRow]
    """The chosen one first."""
    reconstruction: NotRequired[Reconstruction]
    """Absent for rounding to nearest."""
    histograms: NotRequired[list[Histogram]]
    """Of the chosen network's layers."""
    diagnosis: NotRequired[Diagnosis]
    """Of the chosen network, with --explain."""


class EpochRecord(TypedDict):
    """What one epoch of training did."""

    epoch: int
    """From 1 on."""
    step: int
    """Updates of the weights so far."""
    learning_rate: float
    """At the epoch's end."""
    train_loss: float
    """Mean over the epoch's samples."""
    train_accuracy: float | None
    """Share of samples, 0..1, where there are labels."""
    validation_loss: float | None
    """Mean cross-entropy, nats, where there are labels."""
    validation_top1: float | None
    """Share of samples, 0..1, where there are labels."""
    validation_agreement: float | None
    """Share of samples, 0..1, whose best class is the float network's; null where that is
    trained."""
    images_per_second: float
    """Of training, without validation."""
    seconds: float
    """Of the epoch, with validation."""
    best_epoch: int
    """With the best validation so far."""
    best: float
    """What best_epoch reached."""


class Finetuning(TypedDict):
    """What `ompq finetune` wrote, as of `ompq quantize`. Networks: the best epoch's first, then
    the last epoch's where that is another, then what training started from."""

    format: str
    """It is ompq-finetune/2."""
    command: NotRequired[str]
    """What made this result: for a POSIX shell, or as a call in Python."""
    versions: NotRequired[dict[str, str]]
    """Of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """That layers were measured with."""
    budget: str
    """In words."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: NotRequired[list[list[float]]]
    """Orthogonality matrix, layers x layers."""
    estimator: NotRequired[str]
    """Of the orthogonality matrix."""
    precision: NotRequired[str]
    """That features were computed in."""
    beta: NotRequired[float]
    gamma: NotRequired[list[float]]
    """By layer."""
    theta: NotRequired[list[float]]
    """By layer."""
    coefficients: NotRequired[list[float]]
    """By layer."""
    losses: NotRequired[list[LossRows]]
    """One entry a metric that was measured."""
    dropped: NotRequired[list[DroppedMetric]]
    """Metrics that could not be measured."""
    portfolio: NotRequired[Portfolio]
    """Where `auto` chose."""
    allocations: list[AllocationRow]
    """The chosen one first, then those next to it."""
    seconds: dict[str, float]
    """By step, in the order in which the steps began."""
    bytes_on_disk: int
    """Of the chosen network."""
    bytes_promised: int
    """Of the file, computed before it was written."""
    evaluated_on: SamplesUsed
    float_evaluation: Evaluation
    """Of the float network."""
    evaluation: Evaluation
    """Of the chosen network."""
    networks: list[QuantizedRow]
    """The chosen one first."""
    reconstruction: NotRequired[Reconstruction]
    """Absent for rounding to nearest."""
    histograms: NotRequired[list[Histogram]]
    """Of the chosen network's layers."""
    diagnosis: NotRequired[Diagnosis]
    """Of the chosen network, with --explain."""
    trained_on: SamplesUsed
    best_epoch: int
    """From 1 on; 0: none was better than the start."""
    stopped_early: bool
    """No epoch was better for long enough."""
    resumed_epochs: int
    """Finished by earlier runs of the same command."""
    training: NotRequired[dict[str, str]]
    """How it was trained: values by option."""
    epochs: list[EpochRecord]


class ComparisonRow(TypedDict):
    """One allocator's answer to one budget, quantized and measured."""

    budget: str
    """In words."""
    allocator: str
    refused: NotRequired[str]
    """Why there is no answer under this budget; nothing else then."""
    average_bits: NotRequired[float]
    """Over all quantized weights."""
    bytes: NotRequired[int]
    """Of the file that quantize would write."""
    gbops: NotRequired[float]
    """1e9 bit operations for one sample."""
    seconds: NotRequired[float]
    """To measure and allocate, for this allocator alone."""
    evaluation: NotRequired[Evaluation]
    weight_bits: NotRequired[list[int]]
    """In layer order; 32 is float."""


class RankCorrelation(TypedDict):
    """How well a metric's predictions order random allocations: 1 as the measurement does, 0 not
    at all."""

    metric: str
    accuracy: float | None
    """With top-1; none where there are no labels or all are equal."""
    divergence: float | None
    """With the divergence from the float network."""


class Comparison(TypedDict):
    """What `ompq compare` measures: allocators x budgets."""

    format: str
    """It is ompq-compare/2."""
    command: NotRequired[str]
    """What made this result: for a POSIX shell, or as a call in Python."""
    versions: NotRequired[dict[str, str]]
    """Of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """That layers were measured with."""
    evaluated_on: SamplesUsed
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    float_evaluation: Evaluation
    """Of the float network."""
    budgets: list[str]
    """In words, in the order that was asked for."""
    allocators: list[str]
    """In the order that was asked for."""
    rows: list[ComparisonRow]
    """Budget by budget."""
    random_allocations: int
    """Per budget."""
    rank_correlation: list[RankCorrelation]
    """Of each metric."""
    seconds: dict[str, float]
    """By step, in the order in which the steps began."""


class SweepPoint(TypedDict):
    """One allocation on the size-fidelity curve."""

    bytes: int
    """Of the file that quantize would write."""
    average_bits: float
    """Over all quantized weights."""
    gbops: float
    """1e9 bit operations for one sample."""
    divergence: float
    """Measured, on samples that the metric did not see."""
    predicted_loss: float
    gap: float
    """How far from the best loss at this size at most, relative."""
    weight_bits: list[int]
    """In layer order; 32 is float."""


class Sweep(TypedDict):
    """What `ompq sweep` finds: the size-fidelity curve."""

    format: str
    """It is ompq-sweep/2."""
    command: NotRequired[str]
    """What made this result: for a POSIX shell, or as a call in Python."""
    versions: NotRequired[dict[str, str]]
    """Of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """That layers were measured with."""
    metric: str
    """By which the curve was found."""
    measure: str
    """What a divergence is, with its unit."""
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    knee: int
    """Index of the point."""
    points: list[SweepPoint]
    """From the smallest file to the largest."""
    instead_of: NotRequired[str]
    """The metric that was asked for and cannot be measured here."""
    picked: NotRequired[int]
    """Index of the point whose allocation was written."""
    seconds: dict[str, float]
    """By step, in the order in which the steps began."""


class LatencyTemplate(TypedDict):
    """The empty table of latencies that was written."""

    format: str
    """It is ompq-latency-template/1."""
    model: ModelFile
    file: str
    layers: int
    """With a line for each pair of widths."""


class EvaluatedNetwork(TypedDict):
    """What `ompq eval` measured."""

    format: str
    """It is ompq-eval/1."""
    model: ModelFile
    samples: SamplesUsed
    evaluation: Evaluation


class DiffRow(TypedDict):
    """One value that two networks have in common: a layer's feature, or an output."""

    layer: str
    """Its name in network a; for an output, the output's."""
    layer_b: str
    """Its name in network b."""
    op_type: str
    """Of the layer's ONNX node; output for a network's output."""
    value_a: str
    """The value of network a that was compared."""
    value_b: str
    """The value of network b."""
    matched_by: str
    """Value name, node name or order."""
    equal: bool
    """Every element, to the bit."""
    finite: bool
    """False: a NaN or an infinity is in one of them."""
    parted: bool
    """The SNR is below the threshold, or cannot be computed."""
    snr_db: NotRequired[float]
    """10 log10(|a|^2 / |b - a|^2); none without noise or signal."""
    cosine: NotRequired[float]
    """Of a and b as vectors; none where one is all zero."""
    largest_difference: float


class Diff(TypedDict):
    """What `ompq diff` finds: two networks layer by layer."""

    format: str
    """It is ompq-diff/2."""
    a: ModelFile
    b: ModelFile
    samples: SamplesUsed
    threshold_db: float
    """Below which a value has parted."""
    first_apart: str | None
    """Layer of the first row that has parted."""
    agreement: NotRequired[float]
    """Share of samples, 0..1, for which both first outputs have the same best class."""
    rows: list[DiffRow]
    """Layers in a's topological order, then outputs."""
    only_in_a: list[str]
    """Layers without a partner."""
    only_in_b: list[str]
    """Layers without a partner."""
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
