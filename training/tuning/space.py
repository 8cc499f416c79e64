"""What is tuned: the parameters of each component's training, and the ranges that are searched.

A range always holds the value that is configured, which is tried first. Knows nothing about how they are searched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from training.settings import TrainingSettings

Component = Literal["embedder", "generator"]
Settings = dict[str, Any]
"""Dotted name below ``[training]`` to value, as in ``embedder.learning_rate``."""


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holding(self, value: float) -> "Range":
        """The range, wide enough for a value."""
        return Range(min(self.low, value), max(self.high, value), self.log, self.whole)


@dataclass(frozen=True)
class Choice:
    """One of these."""

    values: tuple[Any, ...]

    def holding(self, value: Any) -> "Choice":
        """The choice, with a value among the others."""
        return self if value in self.values else Choice((*self.values, value))


Space = dict[str, Range | Choice]
SPACES: Mapping[Component, Space] = {
    "embedder": {
        "embedder.learning_rate": Range(1e-5, 5e-4, log=True),
        "embedder.lora_rank": Choice((None, 8, 32)),
        "embedder.epochs": Range(1, 4, whole=True),
        "embedder.dropout": Range(0.0, 0.2),
        "embedder.weight_decay": Range(0.0, 0.1),
        "embedder.scale": Range(10.0, 50.0, log=True),
        "data.negatives": Range(0, 4, whole=True),
    },
    "generator": {
        "generator.learning_rate": Range(1e-4, 3e-3, log=True),
        "generator.rank": Choice((8, 16, 32, 64)),
        "generator.epochs": Range(1, 4, whole=True),
        "generator.dropout": Range(0.0, 0.1),
        "generator.weight_decay": Range(0.0, 0.1),
        "data.abstention_share": Range(0.05, 0.5),
        "data.passages": Range(2, 6, whole=True),
    },
}
"""The embedder's temperature is 1 / ``scale``; a row's distractors are ``data.passages`` less the oracle."""


def configured(component: Component, training: TrainingSettings) -> Settings:
    """The values that are set now."""
    values = training.model_dump()
    return {name: values[name.split(".")[0]][name.split(".")[1]] for name in SPACES[component]}


def space_around(component: Component, training: TrainingSettings) -> Space:
    """The space, with what is set now in it; dropout that the model decides itself is left to it."""
    now = configured(component, training)
    return {
        name: one.holding(now[name])
        for name, one in SPACES[component].items()
        if isinstance(one, Choice) or now[name] is not None
    }


def applied(training: TrainingSettings, settings: Settings) -> TrainingSettings:
    """The training with other values; LoRA's alpha keeps its ratio to the rank."""
    values = training.model_dump()
    if (rank := settings.get("generator.rank")) is not None:
        settings = {
            **settings,
            "generator.alpha": max(1, round(rank * training.generator.alpha / training.generator.rank)),
        }
    for name, value in settings.items():
        section, key = name.split(".")
        values[section][key] = value
    return TrainingSettings.model_validate(values)


def changes(training: TrainingSettings, settings: Settings) -> dict[str, Settings]:
    """Section to its values, as they are to stand in ``lockstep.toml``; None where a key is to go."""
    tuned = applied(training, settings).model_dump()
    names = [*settings, *(["generator.alpha"] if "generator.rank" in settings else [])]
    found: dict[str, Settings] = {}
    for name in names:
        section, key = name.split(".")
        found.setdefault(f"training.{section}", {})[key] = tuned[section][key]
    return found
