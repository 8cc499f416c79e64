"""The sections of ``lockstep.toml`` that concern the generator and training."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Prices(BaseModel):
    """What a million tokens cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class GeneratorSettings(BaseModel):
    """Which generator the first release starts from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "smollm2-135m-grounded"
    """``smollm2-135m-grounded`` (comes with Lockstep: SmolLM2-135M-Instruct, taught to answer from passages),
    ``smollm2-135m`` (the same untaught), a directory, or a hub id of a chat model; with url, its name at the server."""
    revision: str | None = None
    """Commit of the hub id; required for a hub id."""
    url: str | None = None
    """Of a server with OpenAI's chat completions, such as http://127.0.0.1:8000/v1: it generates then, not this
    process. A key that it wants is read from the environment's LOCKSTEP_GENERATOR_KEY."""
    max_new_tokens: int = Field(default=64, ge=1)
    price_per_million: Prices | None = None
    """Such as { prompt = 0.15, completion = 0.6 }: `lockstep study` and the report show then what
    answers cost."""

    @model_validator(mode="after")
    def _server_and_name(self) -> Self:
        if self.url is not None:
            if not self.url.startswith(("http://", "https://")):
                raise ValueError(f"found url {self.url!r}, expected one such as http://127.0.0.1:8000/v1")
            if "model" not in self.model_fields_set or self.revision is not None:
                raise ValueError("found url, expected the model's name at that server beside it, and no revision")
        return self


class DataSettings(BaseModel):
    """How examples are split and turned into rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    validation: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.25, gt=0, lt=1)
    most_validation: int | None = Field(default=None, ge=1)
    """Questions of validation that are measured at most, spread over the documents; not set measures all."""
    most_test: int | None = Field(default=None, ge=1)
    """The same of the test set, which is kept whole."""
    passages: int = Field(default=4, ge=1)
    """Passages in a supervised row: the oracle and distractors."""
    abstention_share: float = Field(default=0.2, ge=0, lt=1)
    """Share of the rows that must abstain: the questions without an answer, and so many others, shown without
    their oracle, as make it up."""
    distractors: tuple[Literal["swapped entity", "contradicting"], ...] = ()
    """Made of a row's oracle beside those that retrieval returns: its words about another thing, or an edition marked
    as superseded, with another number. Half of the rows with an oracle get one where it can be made for sure."""
    negatives: int = Field(default=1, ge=0, le=16)
    """Hard negatives for each contrastive row."""
    teacher: str | None = None
    """Directory or hub id of a sentence-transformers cross-encoder that judges the rows: a negative that it finds about
    as relevant as the positive is dropped, and the embedder is trained towards its scores (see teacher_weight).
    With one, 4 negatives or more are worth their time."""
    teacher_revision: str | None = None
    """Commit of the hub id; required for a hub id."""

    @model_validator(mode="after")
    def _rest_for_train(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"found shares validation {self.validation} and test {self.test}, expected a rest to train on"
            )
        return self


class EmbedderTraining(BaseModel):
    """How the embedder is fine-tuned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=1, ge=1)
    batch_size: int = Field(default=32, ge=2)
    """Questions that are contrasted with one another; the cached loss makes it independent of memory."""
    mini_batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    """High, since the weights are averaged with the untouched ones afterwards."""
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1)
    dropout: float | None = Field(default=0.0, ge=0, lt=1)
    """Dropout of the encoder while it trains; not set keeps the model's own. Short trainings gain nothing by it."""
    scale: float = Field(default=20.0, gt=0)
    """Inverse temperature of the contrastive loss."""
    lexical_share: float = Field(default=0.5, ge=0, lt=1)
    """Of what questions and passages are trained towards, the part that follows BM25 instead of the one right
    partner. Only while a batch is one mini-batch."""
    lexical_temperature: float = Field(default=3.0, gt=0)
    """Of the softmax over BM25 scores."""
    teacher_weight: float = Field(default=1.0, ge=0)
    """Where a teacher is set under [training.data]: weight of the distance (Kullback-Leibler) from its distribution
    over the passage and the negatives of a row, beside the contrastive loss. Only while a batch is one mini-batch."""
    teacher_temperature: float = Field(default=1.0, gt=0)
    """Of the softmax over the teacher's scores."""
    matryoshka: tuple[int, ...] = ()
    """Further dimensions at which the truncated vector must work (Kusupati et al. 2022)."""
    lora_rank: int | None = Field(default=None, ge=1)
    """Train a LoRA of this rank and merge it; None trains all weights."""
    averaging: tuple[float, ...] = (0.7,)
    """Shares of the tuned weights that are tried in an average with the untouched ones, on validation;
    more choices, more luck."""
    evaluations: int = Field(default=1, ge=1)
    """How often in an epoch validation nDCG@10 is measured and a checkpoint may be chosen; more choices, more luck."""
    patience: int = Field(default=4, ge=1)
    """Stop after so many evaluations without a better one."""


class RerankerTraining(BaseModel):
    """How a reranker is fine-tuned, where reranker_enabled is set under [training]."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str | None = None
    """Directory or hub id of a sentence-transformers cross-encoder to start from. Not set takes the encoder of the
    embedder with a new head, which must learn from your rows alone to compare question and passage."""
    revision: str | None = None
    """Commit of the hub id; required for a hub id."""
    candidates: int = Field(default=20, ge=2, le=1000)
    """How many of the best candidates it reorders for each question: what an answer takes longer by."""
    max_length: int = Field(default=256, ge=16)
    """Tokens of question and passage together; what is longer is cut."""
    epochs: int = Field(default=2, ge=1)
    batch_size: int = Field(default=8, ge=2)
    """Questions of a step, each with its passage, its hard negatives (negatives under [training.data]) and
    batch_negatives: all of these are in memory at once."""
    batch_negatives: int = Field(default=4, ge=1)
    """Passages of other questions in the batch that each question is contrasted with."""
    learning_rate: float = Field(default=5e-5, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1)
    evaluations: int = Field(default=1, ge=1)
    """How often in an epoch validation nDCG@10 is measured and a checkpoint may be chosen; more choices, more luck."""
    patience: int = Field(default=4, ge=1)
    """Stop after so many evaluations without a better one."""


class GeneratorTraining(BaseModel):
    """How the generator is fine-tuned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    """For LoRA on the small model that comes with Lockstep; 1e-4 to 2e-4 from half a billion parameters on."""
    rank: int = Field(default=32, ge=1)
    alpha: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of what goes into the adapter. On a CPU its random numbers cost an eighth of the training's time."""
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1)
    target_modules: str | tuple[str, ...] = "all-linear"
    abstention_weight: float = Field(default=0.4, ge=0, le=1)
    """How much a row that teaches to abstain counts beside one that teaches an answer. Greedy decoding compares
    the abstention with the single best answer, however likely all answers are in sum."""
    averaging: tuple[float, ...] = (0.5,)
    """Shares of what the adapter adds to the weights that are tried on validation; more choices, more luck."""
    max_length: int | None = Field(default=None, ge=8)
    """Tokens of the longest row; None takes the model's context. Longer rows are left out and counted."""
    evaluations: int = Field(default=2, ge=1)
    """How often in an epoch the metric is measured and a checkpoint may be chosen."""
    patience: int = Field(default=3, ge=1)
    """Stop after so many evaluations without a better one."""
    questions_per_row: int = Field(default=4, ge=1)
    """Questions on the same passages that are joined into one row, as a conversation: reading the passages is most
    of what a row costs. A prompt that is served holds one."""
    most_rows: int | None = Field(default=None, ge=1)
    """Rows that are trained on at most, those with most questions first; not set takes all."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Rows of a batch that are computed at a time, where not all fit into memory; must divide batch_size. Not set
    leaves it to the estimate at the start of a retraining, and without one computes all."""
    activation_checkpointing: bool = False
    """Trade time for memory."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.micro_batch and self.batch_size % self.micro_batch:
            raise ValueError(
                f"found micro_batch {self.micro_batch}, expected a divisor of batch_size {self.batch_size}"
            )
        return self


class EstimateSettings(BaseModel):
    """What a retraining tries before it trains: a few steps tell its time, memory and cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    price_per_hour: float | None = Field(default=None, ge=0)
    """What an hour of this machine costs, in whatever currency you think in: the estimate tells money then, too."""
    most_memory_gb: float | None = Field(default=None, gt=0)
    """What a retraining may take of memory (of the GPU's, where there is one); not set takes what is free."""


class VerdictSettings(BaseModel):
    """What a better system may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: float = Field(default=0.05, ge=0, le=1)
    """By how much recall@10, exact match and other metrics that a verdict is not about may get worse. One that is
    worse by more, with its whole interval, keeps a release from being promoted."""
    factor: float = Field(default=1.5, ge=1)
    """How many times dearer or slower an answer may get before the report warns of it."""
    timed: int = Field(default=8, ge=0)
    """Test questions that both systems answer once more, one at a time, to tell the seconds of an answer; 0 for
    none."""
    forgetting: Literal["caution", "refuse", "ignore"] = "caution"
    """What follows where a tuned generator has forgotten what it knew without any documents, by general questions:
    caution says so beside the verdict, refuse rejects the release, ignore does not ask."""
    general_questions: str | None = None
    """A file of general questions of your own in the workspace, in the form of examples without documents; not set
    takes those that come with Lockstep."""


class TrainingSettings(BaseModel):
    """One retraining."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 17
    embedder_enabled: bool = True
    generator_enabled: bool = True
    reranker_enabled: bool = False
    """Whether a reranker is trained, too, and released where what it gains is proven."""
    loss: bool = True
    """Whether the loss of the reference answers is measured, too, which costs as much as two arms' answers."""
    data: DataSettings = DataSettings()
    embedder: EmbedderTraining = EmbedderTraining()
    reranker: RerankerTraining = RerankerTraining()
    generator: GeneratorTraining = GeneratorTraining()
    estimate: EstimateSettings = EstimateSettings()
    verdict: VerdictSettings = VerdictSettings()
