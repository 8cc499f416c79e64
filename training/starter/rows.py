"""Episodes to token rows, rows to batches: the curriculum of the starter's training.

Easy first: repeated random sequences (which sharpen the copying circuits) and one fact in one
passage, then more passages, paraphrase and prose. A pool of rows depends on the seed, its number
and the tokens seen so far only, so training can stop and go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from retrieval.prompt import Prompt, encode
from training.starter.prose import Prose, Squad, Table
from training.starter.world import Episode, World

PROMPT_SHARE, COMPLETION_WEIGHT = 0.15, 4.0
"""Of the prompt's tokens a random share counts, at weight one: the loss over 8,000 words costs as much as a layer."""
POOL_ROWS = 384


@dataclass(frozen=True)
class Row:
    """Token ids and how much each counts as a target."""

    ids: list[int]
    weights: list[float]


@dataclass(frozen=True)
class Stage:
    """The mixture of rows up to a number of tokens seen."""

    until: float
    """Tokens seen, in millions."""
    repeats: float
    """Share of repeated random sequences."""
    levels: tuple[float, float, float, float, float]
    """Weights of levels 1 to 5; 5 is level 4 within long passages."""
    prose: float
    """Share of prose among the episodes."""
    bare: float
    """Share of rows without the system message, which is half of a short row and always the same."""


CURRICULUM = (
    Stage(0.3, 0.5, (1, 0, 0, 0, 0), 0.1, 1.0),
    Stage(1.5, 0.1, (0.7, 0.3, 0, 0, 0), 0.15, 0.97),
    Stage(3.0, 0.05, (0.3, 0.5, 0.2, 0, 0), 0.25, 0.95),
    Stage(5.5, 0.02, (0.15, 0.3, 0.4, 0.15, 0), 0.35, 0.9),
    Stage(9.0, 0.01, (0.05, 0.2, 0.4, 0.35, 0), 0.45, 0.8),
    Stage(float("inf"), 0.01, (0.03, 0.12, 0.3, 0.47, 0.08), 0.5, 0.5),
)


class Rows:
    """Draws pools of rows and cuts them into batches of similar lengths."""

    def __init__(
        self,
        tokenizer: Any,
        squad: Squad,
        documents: Sequence[str],
        prompt: Prompt,
        *,
        tables: Sequence[Table] = (),
        seed: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.squad = squad
        self.documents = documents
        self.tables = tables
        self.prompt = prompt
        self.seed = seed
        messages = [{"role": "system", "content": prompt.instructions()}]
        system = tokenizer.apply_chat_template(messages, tokenize=False)
        self.unscored = len(tokenizer(system, add_special_tokens=False)["input_ids"])
        """The system message is the same in every row: nothing to learn from it."""

    def encode(self, episode: Episode, random: Random, *, bare: bool = False) -> Row:
        """A share of the prompt's tokens, all of the completion and the end of the turn, which weigh more."""
        messages = episode.messages(self.prompt)[1 if bare else 0 :]
        prompt_ids = encode(self.tokenizer, messages)
        completion = self.tokenizer(episode.completion, add_special_tokens=False)["input_ids"]
        completion = [*completion, self.tokenizer.eos_token_id]
        unscored = 0 if bare else self.unscored
        scored = [float(random.random() < PROMPT_SHARE) for _ in range(len(prompt_ids) - unscored)]
        weights = [0.0] * unscored + scored
        return Row(prompt_ids + completion, weights + [COMPLETION_WEIGHT] * len(completion))

    def batches(self, pool: int, tokens_seen: int, *, batch_tokens: int, longest: int) -> list[list[Row]]:
        """One pool, cut into batches of at most ``batch_tokens`` padded tokens, in random order."""
        random = Random(f"{self.seed}:{pool}")
        stage = next(stage for stage in CURRICULUM if tokens_seen < stage.until * 1e6)
        world = World(random, self.prompt)
        prose = Prose(random, self.prompt, self.squad, self.documents, self.tables)
        rows: list[Row] = []
        while len(rows) < POOL_ROWS:
            if random.random() < stage.repeats:
                rows.append(self._repeats(random))
                continue
            level = random.choices((1, 2, 3, 4, 5), stage.levels)[0]
            source = prose if random.random() < stage.prose else world
            episode = source.episode(min(level, 4))
            if level == 5:
                episode = self._lengthen(episode, random)
            row = self.encode(episode, random, bare=random.random() < stage.bare)
            if len(row.ids) <= longest:
                rows.append(row)
        rows.sort(key=lambda row: len(row.ids))
        batches: list[list[Row]] = [[]]
        for row in rows:
            if batches[-1] and (len(batches[-1]) + 1) * padded(len(row.ids)) > batch_tokens:
                batches.append([])
            batches[-1].append(row)
        random.shuffle(batches)
        return batches

    def _repeats(self, random: Random) -> Row:
        """A random sequence, said again: from its second time on every token can be known."""
        segment = random.sample(range(3, len(self.tokenizer)), random.randint(6, 60))
        count = random.randint(2, 3)
        return Row(segment * count, [0.0] * len(segment) + [1.0] * (len(segment) * (count - 1)))

    def _lengthen(self, episode: Episode, random: Random) -> Episode:
        """The same question over passages as long as real chunks are."""
        passages = []
        for passage in episode.passages:
            before = random.choice(self.documents) if random.random() < 0.6 else ""
            after = random.choice(self.documents) if random.random() < 0.6 else ""
            passages.append(replace(passage, text="\n".join(part for part in (before, passage.text, after) if part)))
        return replace(episode, passages=tuple(passages))


def padded(length: int) -> int:
    """A length rounded up, so that few shapes occur."""
    return -(-length // 32) * 32
