"""What the functions return: the documents of `--json`, as dicts with attributes.

A field with the default None may be missing in the dict. Made by `ompq --print-docs python` from
the fields that the structs of src/ompq/report declare; `make docs` writes it again.
"""

from __future__ import annotations

from typing import Any, Optional

from ompq._record import Record, Result


class ModelFile(Record):
    """A network's file."""

    file: str
    sha256: str
    bytes: int


class NamedShape(Record):
    """An input or output."""

    name: str
    shape: str
    """Such as Nx3x224x224."""


class LayerRow(Record):
    """A layer of the network."""

    name: str
    op_type: str
    """Operator type of its ONNX node."""
    weights: int
    biases: int
    paper_parameters: int
    """As the paper counts them (including norm and tied projections)."""
    macs: int
    """Multiply-accumulates for one sample."""
    float_input: bool
    """Its input is never quantized, regardless of --act-bits."""
    output_shape: str
    """Such as Nx64x56x56."""
    feature_size: int
    """Elements of its output for one sample."""
    block: str
    """Empty if the layer is in no block."""
    tied_to: Optional[str]
    """The layer whose width it shares."""


class BlockRow(Record):
    """Layers that are rounded together."""

    name: str
    layers: list[str]


class RejectedRow(Record):
    """A node whose width cannot be chosen."""

    name: str
    op_type: str
    """Operator type of its ONNX node."""
    reason: str


class NamedText(Record):
    """An entry of the file's metadata."""

    name: str
    value: str


class FileQuantization(Record):
    """Quantization that is recorded in a file written by ompq."""

    version: str
    """Version of ompq."""
    float_sha256: str
    """SHA-256 of the float network's file."""
    budget: str
    """Empty if there was none."""
    weight_bits: list[int]
    """In layer order; 32 is float."""
    activation_bits: list[int]
    """In layer order; 32 is float."""


class Inspection(Result):
    """Result of `ompq inspect`."""

    format: str
    """Always ompq-inspect/2."""
    model: ModelFile
    opset: int
    inputs: list[NamedShape]
    outputs: list[NamedShape]
    parameters: int
    """Elements of all float constants."""
    macs: int
    """Multiply-accumulates of all layers for one sample."""
    layers: list[LayerRow]
    """In topological order."""
    blocks: list[BlockRow]
    not_quantizable: list[RejectedRow]
    """Nodes with weights that stay float."""
    copied: Optional[list[RejectedRow]] = None
    """Nodes that are not run and are copied unchanged to written files."""
    metadata: list[NamedText]
    quantization: Optional[FileQuantization] = None
    """Only for files written by ompq."""


class SamplesUsed(Record):
    """Which samples a run used, and how they were preprocessed."""

    source: str
    """A path; for arrays their names, types, shapes and a digest."""
    count: int
    seed: int
    split: Optional[str] = None
    """Train or test, if the source has both."""
    skipped: Optional[int] = None
    """Unreadable samples that were skipped."""
    preprocess: Optional[dict[str, Any]] = None
    """An ompq-preprocess/1 document."""


class LossRows(Record):
    """Values of one metric for all layers and widths."""

    metric: str
    unit: str
    widths: list[int]
    """Columns of values."""
    values: list[list[float]]  # type: ignore[assignment]
    """Layers x widths."""


class DroppedMetric(Record):
    """A metric that could not be measured on this network or these samples."""

    metric: str
    """Orm: orthogonality of features; pairwise: interactions."""
    reason: str


class Check(Record):
    """A candidate with its weights rounded as they will be."""

    origin: str
    """The allocator, with its parameters."""
    divergence: float
    """On samples that no earlier step has seen."""
    standard_error: float
    """Of that mean."""


class Roles(Record):
    """The number of samples for each step of `auto`, which share none of them."""

    rounding: int
    """Trying error compensation; with few samples, those for measuring."""
    measuring: int
    """Measuring metrics."""
    ranking: int
    """Candidates, and the steps to try in refinement."""
    refining: int
    """Deciding whether a step of refinement is taken."""
    checking: int
    """The last choice; 0: the ranking decides."""


class Candidate(Record):
    """An allocation that `auto` tried."""

    origin: str
    """The allocator, with its parameters."""
    divergence: float
    """On the samples that candidates are ranked on."""
    weight_bits: list[int]
    """In layer order; 32 is float."""


class Portfolio(Record):
    """How `auto` chose its allocation."""

    measure: str
    """What divergence is measured, with its unit."""
    winner: str
    """Origin of the best candidate."""
    steps: list[float]
    """Divergence of the refined candidate before and after each step, on the samples for
    refining."""
    checked: Optional[list[Check]] = None
    """The last choice; a refined candidate must be better by two standard errors."""
    samples: Optional[Roles] = None
    evaluations: int
    """Forward passes of the network, complete or from a changed layer onward."""
    passes: Optional[float] = None
    """Time of the search in forward passes of the float network over 256 samples."""
    time_limit_struck: bool
    left_out: Optional[list[str]] = None
    """What the time limit left out."""
    candidates: list[Candidate]
    """In the order in which they were tried."""


class Trial(Record):
    """A size that was tried."""

    bytes: int
    """Of the file."""
    loss: float
    """Percent, or in units of --eval-command."""


class LossTarget(Record):
    """How the smallest file within a loss was found."""

    max_loss: float
    """The limit, percent, or in units of --eval-command."""
    measure: str
    """What is lost."""
    samples: Optional[int] = None
    """That loss is measured on; no other step uses them. Not with --eval-command."""
    loss: float
    """Percent, or in units of --eval-command, of the chosen allocation with its weights rounded."""
    lower: Optional[float] = None
    """End of the 95 % interval of `loss`; not with --eval-command."""
    upper: Optional[float] = None
    """End of the 95 % interval of `loss`; not with --eval-command."""
    trials: list[Trial]
    """In the order in which they were tried."""


class Solver(Record):
    """How the widths were found."""

    name: str
    status: str
    """Optimal, time-limit, rounded, rule or local-search."""
    objective: float
    gap: float
    """Relative gap to the best possible objective."""
    seconds: float


class AllocationRow(Record):
    """Widths per layer that one allocator chose, and their cost."""

    allocator: str
    """The allocator that chose the widths."""
    refused: Optional[str] = None
    """Why there is no allocation under the budget; later fields are then missing."""
    weight_bits: Optional[list[int]] = None
    """In layer order; 32 is float."""
    average_bits: Optional[float] = None
    """Over all quantized weights."""
    bytes: Optional[int] = None
    """Of the file that quantize would write."""
    paper_mib: Optional[float] = None
    """Size as the paper counts it, MiB."""
    gbops: Optional[float] = None
    """1e9 bit operations for one sample."""
    requested: Optional[str] = None
    """The requested allocator, if it cannot be used here."""
    predicted_loss: Optional[float] = None
    """Sum over layers of the first measured metric."""
    solver: Optional[Solver] = None


class Search(Result):
    """Result of `ompq search`."""

    format: str
    """Always ompq-search/2."""
    command: Optional[str] = None
    """What produced this result: a command for a POSIX shell, or a call in Python."""
    versions: Optional[dict[str, str]] = None
    """Versions of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """Samples that layers were measured with."""
    budget: str
    """As text."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: Optional[list[list[float]]] = None
    """Orthogonality matrix, layers x layers."""
    estimator: Optional[str] = None
    """Estimator of the orthogonality matrix."""
    precision: Optional[str] = None
    """Precision that features were computed in."""
    beta: Optional[float] = None
    gamma: Optional[list[float]] = None
    """By layer."""
    theta: Optional[list[float]] = None
    """By layer."""
    coefficients: Optional[list[float]] = None
    """By layer."""
    losses: Optional[list[LossRows]] = None
    """One entry per measured metric."""
    dropped: Optional[list[DroppedMetric]] = None
    """Metrics that could not be measured."""
    portfolio: Optional[Portfolio] = None
    """Only if `auto` chose."""
    loss_target: Optional[LossTarget] = None
    """Only with --max-loss."""
    allocations: list[AllocationRow]
    """The chosen one first, then the others."""
    seconds: dict[str, float]
    """Seconds by step, in the order in which the steps began."""


class Evaluation(Record):
    """Accuracy of a network, or its fidelity to a reference network."""

    samples: int
    skipped: Optional[int] = None
    """Unreadable samples that were skipped."""
    classes: Optional[int] = None
    """Only if the first output is a row of class scores."""
    top1: Optional[float] = None
    """Share of samples classified correctly, 0..1; only with labels."""
    top5: Optional[float] = None
    """Share of samples whose label is among the best 5 classes, 0..1; only with labels and more
    than 5 classes."""
    cross_entropy: Optional[float] = None
    """Mean over the samples in nats; only with labels."""
    agreement: Optional[float] = None
    """Share of samples, 0..1, with the reference's best class."""
    divergence: Optional[float] = None
    """Mean Kullback-Leibler divergence from the reference's softmax, nats."""
    snr_db: Optional[float] = None
    """10 log10(|reference|^2 / |difference|^2) of the first output."""
    quality: Optional[float] = None
    """What --eval-command printed, or evaluate= returned, for the file."""
    seconds: float


class QuantizedRow(Record):
    """One quantized network, compared with the float one."""

    allocator: str
    """The allocator that chose the widths."""
    method: str
    """How weights were rounded."""
    bytes_on_disk: int
    """Size of the file."""
    bytes_promised: int
    """Size of the file, computed before it was written."""
    average_bits: float
    """Over all quantized weights."""
    gbops: float
    """1e9 bit operations for one sample."""
    compression: float
    """Float file / this file."""
    weight_bits: list[int]
    """In layer order; 32 is float."""
    evaluation: Evaluation
    requested: Optional[str] = None
    """The requested allocator, if it cannot be used here."""
    file: Optional[str] = None
    """Only if other networks were kept too."""


class FloatOperators(Record):
    """Operators of one type that stay float between integer layers."""

    op_type: str
    """Operator type of the ONNX nodes."""
    nodes: list[str]
    """Names of the nodes."""


class IntegerKernels(Record):
    """Which layers of the file run on integer kernels."""

    layers: int
    """Layers with a float input."""
    integer_layers: int
    """Those that run on integers."""
    float_layers: list[str]
    """Names of the others."""
    float_operators: list[FloatOperators]
    """Operators between integer layers that stay float, the most frequent type first."""


class ReconstructedBlock(Record):
    """One layer or block that a step processed."""

    step: str
    """Compensation or learning."""
    name: str
    iterations: int
    seconds: float
    loss_before: float
    """Squared error of its output / energy of the output."""
    loss_after: float
    snr_before_db: float
    snr_after_db: float
    kept_initial: bool
    """The initial state was better and was kept."""


class RestoredNetwork(Record):
    """Bias correction and norm re-estimation."""

    snr_before_db: float
    """SNR of the outputs on the calibration samples."""
    snr_after_db: float
    kept_initial: bool
    """The network was better without them."""


class DistilledNetwork(Record):
    """Distillation of the whole network."""

    steps: int
    seconds: float
    loss_before: float
    """Loss on held-out samples."""
    loss_after: float
    kept_initial: bool
    """The initial state was better and was kept."""


class Reconstruction(Record):
    """How weights were rounded."""

    method: str
    effort: str
    samples: int
    unit: Optional[str] = None
    """What was rounded at a time: layer or block."""
    blocks: list[ReconstructedBlock]
    """One per layer or block."""
    restoration: Optional[RestoredNetwork] = None
    distillation: Optional[DistilledNetwork] = None
    cache_file_bytes: Optional[int] = None
    """Maximum size of the activations in temporary files, which did not fit into memory."""


class Histogram(Record):
    """Histogram of a layer's values, and the range of its quantizer."""

    layer: str
    kind: str
    """Weight or activation."""
    edges: list[float]
    """Bin edges, ascending; one more than there are bins."""
    counts: list[float]
    low: float
    """Lower end of the quantizer's range; for a weight, that of its widest channel."""
    high: float


class LayerDiagnosis(Record):
    """Effect of quantization on one layer. Signal-to-noise ratios are in dB, over all samples;
    none without noise or signal."""

    name: str
    op_type: str
    """Operator type of its ONNX node."""
    block: str
    """Empty if the layer is in no block."""
    weight_bits: Optional[int] = None
    """None if unknown or float."""
    activation_bits: Optional[int] = None
    """Width of its input; none if unknown or float."""
    snr_before_db: Optional[float] = None
    """SNR of its output with weights rounded to nearest."""
    snr_after_db: Optional[float] = None
    """SNR of its output in the result."""
    weight_snr_db: Optional[float] = None
    """SNR of the operator's output if only the weights are quantized."""
    input_snr_db: Optional[float] = None
    """SNR of the operator's output if only the input is quantized."""
    gain_db: Optional[float] = None
    """Increase of the SNR of the network's first output if only this layer were float."""
    channel_spread: float
    """Of the input: largest |x| / median of the channels' largest |x|; they share one scale."""
    clipped_share: float
    """Share of elements outside the quantizer's range, 0..1."""
    clipping_noise_share: float
    """Share of the quantizer's noise that is due to clipped elements, 0..1."""
    peak_to_rms: float
    """Of the input: largest |x| / root mean square."""


class BlockDiagnosis(Record):
    """Effect of quantization on a block's output."""

    name: str
    layers: list[str]
    snr_before_db: Optional[float] = None
    """SNR with weights rounded to nearest."""
    snr_after_db: Optional[float] = None
    """SNR in the result."""


class Advice(Record):
    """A finding and its remedy."""

    layer: str
    """Empty if it concerns the whole network."""
    finding: str
    """Text with the measured values."""
    remedy: str
    """Text with the options to use."""


class Diagnosis(Record):
    """Where a quantized network loses signal. Before: with weights rounded to nearest; after:
    the result of the method."""

    samples: int
    """Samples that the SNRs are measured on."""
    gain_samples: int
    """Samples that gain_db is measured on; 0: not measured."""
    output_snr_before_db: Optional[float] = None
    """SNR of the network's first output."""
    output_snr_after_db: Optional[float] = None
    """SNR of the network's first output."""
    layers: list[LayerDiagnosis]
    """In topological order."""
    blocks: list[BlockDiagnosis]
    advice: list[Advice]
    """Most harmful layers first."""


class Quantization(Result):
    """Result of `ompq quantize`, with that of its search."""

    format: str
    """Always ompq-quantize/2."""
    command: Optional[str] = None
    """What produced this result: a command for a POSIX shell, or a call in Python."""
    versions: Optional[dict[str, str]] = None
    """Versions of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """Samples that layers were measured with."""
    budget: str
    """As text."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: Optional[list[list[float]]] = None
    """Orthogonality matrix, layers x layers."""
    estimator: Optional[str] = None
    """Estimator of the orthogonality matrix."""
    precision: Optional[str] = None
    """Precision that features were computed in."""
    beta: Optional[float] = None
    gamma: Optional[list[float]] = None
    """By layer."""
    theta: Optional[list[float]] = None
    """By layer."""
    coefficients: Optional[list[float]] = None
    """By layer."""
    losses: Optional[list[LossRows]] = None
    """One entry per measured metric."""
    dropped: Optional[list[DroppedMetric]] = None
    """Metrics that could not be measured."""
    portfolio: Optional[Portfolio] = None
    """Only if `auto` chose."""
    loss_target: Optional[LossTarget] = None
    """Only with --max-loss."""
    allocations: list[AllocationRow]
    """The chosen one first, then the others."""
    seconds: dict[str, float]
    """Seconds by step, in the order in which the steps began."""
    bytes_on_disk: int
    """Of the chosen network."""
    bytes_promised: int
    """Size of the file, computed before it was written."""
    evaluated_on: SamplesUsed
    float_evaluation: Evaluation
    """Evaluation of the float network."""
    evaluation: Evaluation
    """Of the chosen network."""
    networks: list[QuantizedRow]
    """The chosen one first."""
    integer_kernels: Optional[IntegerKernels] = None
    """Of the chosen network; missing for targets without integer kernels and with float
    activations."""
    reconstruction: Optional[Reconstruction] = None
    """Missing for rounding to nearest."""
    histograms: Optional[list[Histogram]] = None
    """Histograms of the chosen network's layers."""
    diagnosis: Optional[Diagnosis] = None
    """Diagnosis of the chosen network, with --explain."""


class EpochRecord(Record):
    """Record of one epoch of training."""

    epoch: int
    """Counted from 1."""
    step: int
    """Weight updates so far."""
    learning_rate: float
    """At the end of the epoch."""
    train_loss: float
    """Mean over the epoch's samples."""
    train_accuracy: Optional[float]
    """Share of samples classified correctly, 0..1; only with labels."""
    validation_loss: Optional[float]
    """Mean cross-entropy in nats; only with labels."""
    validation_top1: Optional[float]
    """Share of samples classified correctly, 0..1; only with labels."""
    validation_agreement: Optional[float]
    """Share of samples, 0..1, with the float network's best class; null if the float network is
    trained."""
    images_per_second: float
    """In training, without validation."""
    seconds: float
    """For the epoch, including validation."""
    best_epoch: int
    """Epoch with the best validation so far."""
    best: float
    """Validation result of best_epoch."""


class Finetuning(Result):
    """Result of `ompq finetune`, with the fields of `ompq quantize`. Networks: that of the best
    epoch, that of the last epoch if it is a different one, and the initial one."""

    format: str
    """Always ompq-finetune/2."""
    command: Optional[str] = None
    """What produced this result: a command for a POSIX shell, or a call in Python."""
    versions: Optional[dict[str, str]] = None
    """Versions of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """Samples that layers were measured with."""
    budget: str
    """As text."""
    accounting: str
    """Disk or paper."""
    scheme: str
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    orm: Optional[list[list[float]]] = None
    """Orthogonality matrix, layers x layers."""
    estimator: Optional[str] = None
    """Estimator of the orthogonality matrix."""
    precision: Optional[str] = None
    """Precision that features were computed in."""
    beta: Optional[float] = None
    gamma: Optional[list[float]] = None
    """By layer."""
    theta: Optional[list[float]] = None
    """By layer."""
    coefficients: Optional[list[float]] = None
    """By layer."""
    losses: Optional[list[LossRows]] = None
    """One entry per measured metric."""
    dropped: Optional[list[DroppedMetric]] = None
    """Metrics that could not be measured."""
    portfolio: Optional[Portfolio] = None
    """Only if `auto` chose."""
    loss_target: Optional[LossTarget] = None
    """Only with --max-loss."""
    allocations: list[AllocationRow]
    """The chosen one first, then the others."""
    seconds: dict[str, float]
    """Seconds by step, in the order in which the steps began."""
    bytes_on_disk: int
    """Of the chosen network."""
    bytes_promised: int
    """Size of the file, computed before it was written."""
    evaluated_on: SamplesUsed
    float_evaluation: Evaluation
    """Evaluation of the float network."""
    evaluation: Evaluation
    """Of the chosen network."""
    networks: list[QuantizedRow]
    """The chosen one first."""
    integer_kernels: Optional[IntegerKernels] = None
    """Of the chosen network; missing for targets without integer kernels and with float
    activations."""
    reconstruction: Optional[Reconstruction] = None
    """Missing for rounding to nearest."""
    histograms: Optional[list[Histogram]] = None
    """Histograms of the chosen network's layers."""
    diagnosis: Optional[Diagnosis] = None
    """Diagnosis of the chosen network, with --explain."""
    trained_on: SamplesUsed
    best_epoch: int
    """Counted from 1; 0: no epoch was better than the start."""
    stopped_early: bool
    """Training ended early because no epoch improved on the best one."""
    resumed_epochs: int
    """Epochs finished by earlier runs of the same command."""
    training: Optional[dict[str, str]] = None
    """Training options: values by name."""
    epochs: list[EpochRecord]


class PairedDifference(Record):
    """A difference of shares on the same samples, with its 95 % interval."""

    mean: float
    """-1..1; above 0: better than the first allocator."""
    lower: float
    """End of the 95 % interval."""
    upper: float
    """End of the 95 % interval."""


class ComparisonRow(Record):
    """One allocator's allocation for one budget, quantized and measured."""

    budget: str
    """As text."""
    allocator: str
    refused: Optional[str] = None
    """Why there is no allocation under this budget; later fields are then missing."""
    average_bits: Optional[float] = None
    """Over all quantized weights."""
    bytes: Optional[int] = None
    """Of the file that quantize would write."""
    gbops: Optional[float] = None
    """1e9 bit operations for one sample."""
    seconds: Optional[float] = None
    """Time to measure and allocate, for this allocator only."""
    evaluation: Optional[Evaluation] = None
    top1_difference: Optional[PairedDifference] = None
    """From the first allocator at this budget; only with labels."""
    agreement_difference: Optional[PairedDifference] = None
    """From the first allocator at this budget."""
    weight_bits: Optional[list[int]] = None
    """In layer order; 32 is float."""
    portfolio: Optional[Portfolio] = None
    """Only for `auto`."""


class AllocatorMean(Record):
    """Means of one allocator over all budgets."""

    allocator: str
    top1: Optional[float] = None
    """Mean share, 0..1; only with labels."""
    agreement: Optional[float] = None
    """Mean share, 0..1."""
    top1_difference: Optional[PairedDifference] = None
    """Of the mean from the first allocator's."""
    agreement_difference: Optional[PairedDifference] = None
    """Of the mean from the first allocator's."""


class RankCorrelation(Record):
    """Rank correlation of a metric's predictions with measurements of random allocations."""

    metric: str
    accuracy: Optional[float]
    """Correlation with top-1; none without labels or if all values are equal."""
    divergence: Optional[float]
    """Correlation with the divergence from the float network."""


class Comparison(Result):
    """Result of `ompq compare`: allocators x budgets."""

    format: str
    """Always ompq-compare/2."""
    command: Optional[str] = None
    """What produced this result: a command for a POSIX shell, or a call in Python."""
    versions: Optional[dict[str, str]] = None
    """Versions of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """Samples that layers were measured with."""
    evaluated_on: SamplesUsed
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    float_evaluation: Evaluation
    """Evaluation of the float network."""
    budgets: list[str]
    """As text, in the order given."""
    allocators: list[str]
    """In the order given."""
    rounding: Optional[str] = None
    """Of the weights: nearest or gptq."""
    rows: list[ComparisonRow]
    """Grouped by budget."""
    means: Optional[list[AllocatorMean]] = None
    """Over the budgets, of each allocator with an answer at all of them."""
    random_allocations: int
    """Number of random allocations per budget."""
    rank_correlation: list[RankCorrelation]
    """One entry per metric."""
    seconds: dict[str, float]
    """Seconds by step, in the order in which the steps began."""


class SweepPoint(Record):
    """One allocation on the size-fidelity curve."""

    bytes: int
    """Of the file that quantize would write."""
    average_bits: float
    """Over all quantized weights."""
    gbops: float
    """1e9 bit operations for one sample."""
    divergence: float
    """Measured on samples that the metric did not use."""
    predicted_loss: float
    quality: Optional[float] = None
    """What --eval-command printed, or evaluate= returned, for the file rounded to nearest."""
    gap: float
    """Upper bound of the relative gap to the best loss at this size."""
    weight_bits: list[int]
    """In layer order; 32 is float."""


class Sweep(Result):
    """Result of `ompq sweep`: the size-fidelity curve."""

    format: str
    """Always ompq-sweep/2."""
    command: Optional[str] = None
    """What produced this result: a command for a POSIX shell, or a call in Python."""
    versions: Optional[dict[str, str]] = None
    """Versions of ompq and its libraries, by name."""
    model: ModelFile
    samples: SamplesUsed
    """Samples that layers were measured with."""
    metric: str
    """Metric that the curve was computed with."""
    measure: str
    """What divergence is measured, with its unit."""
    activation_bits: str
    """8, 4 (inputs 8) or float."""
    layers: list[LayerRow]
    """In topological order."""
    knee: int
    """Index of the knee among the points."""
    points: list[SweepPoint]
    """From the smallest file to the largest."""
    requested: Optional[str] = None
    """The requested metric, if it cannot be measured here."""
    picked: Optional[int] = None
    """Index of the point whose allocation was written."""
    float_quality: Optional[float] = None
    """The quality of the float network's file."""
    seconds: dict[str, float]
    """Seconds by step, in the order in which the steps began."""


class LatencyTemplate(Result):
    """The empty latency table that was written."""

    format: str
    """Always ompq-latency-template/1."""
    model: ModelFile
    file: str
    layers: int
    """Number of layers; each has a line per pair of widths."""


class EvaluatedNetwork(Result):
    """Result of `ompq eval`."""

    format: str
    """Always ompq-eval/1."""
    model: ModelFile
    samples: SamplesUsed
    evaluation: Evaluation


class DiffRow(Record):
    """One value that two networks have in common: a layer's feature, or an output."""

    layer: str
    """Its name in network a; for an output, the output's name."""
    layer_b: str
    """Its name in network b."""
    op_type: str
    """Operator type of the layer's ONNX node; "output" for a network's output."""
    value_a: str
    """The value of network a that was compared."""
    value_b: str
    """The value of network b."""
    matched_by: str
    """How the two were matched: value name, node name or order."""
    equal: bool
    """All elements are bitwise equal."""
    finite: bool
    """False if one of them contains NaN or infinity."""
    diverged: bool
    """The SNR is below the threshold, or cannot be computed."""
    snr_db: Optional[float] = None
    """10 log10(|a|^2 / |b - a|^2); none without noise or signal."""
    cosine: Optional[float] = None
    """Cosine similarity of a and b as vectors; none if one is all zero."""
    largest_difference: float


class Diff(Result):
    """Result of `ompq diff`: two networks compared layer by layer."""

    format: str
    """Always ompq-diff/2."""
    a: ModelFile
    b: ModelFile
    samples: SamplesUsed
    threshold_db: float
    """SNR below which a row counts as diverged."""
    first_diverged: Optional[str]
    """Layer of the first row that diverged."""
    agreement: Optional[float] = None
    """Share of samples, 0..1, for which both first outputs have the same best class."""
    rows: list[DiffRow]
    """Layers in a's topological order, then outputs."""
    only_in_a: list[str]
    """Layers without a match in the other network."""
    only_in_b: list[str]
    """Layers without a match in the other network."""
    seconds: float


BY_FUNCTION: dict[str, type[Result]] = {
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
