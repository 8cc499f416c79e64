"""Episodes to token rows, rows to batches: the curriculum of the starter's training.

Easy first: drills and one fact in one passage, then more passages, paraphrase and prose. Most rows
are conversations: the passages once, then many questions on them, since a row with one question
spends nine tokens in ten on reading. A pool of rows depends on the seed, its number and the tokens
seen so far only, so training can stop and go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from retrieval.prompt import Message, Prompt, encode
from training.starter.drills import recall, repetition
from training.starter.places import Source
from training.starter.pointing import Pointer
from training.starter.prose import Prose, Table
from training.starter.questions import Questions
from training.starter.world import Episode, World

PROMPT_SHARE, COMPLETION_WEIGHT = 0.05, 4.0
"""Of the prompt's tokens a random share counts, at weight one: the loss over 8,000 words costs as much as a layer."""
ABSTENTION_SHARE = 0.4
"""How much an abstention weighs beside an answer. Greedy decoding compares it with the single best answer,
however much the other answers have in sum, so that a model trained on both alike refuses too often."""
POOL_ROWS = 384


@dataclass(frozen=True)
class Row:
    """Token ids, how much each counts as a target, and where the answers' words stand."""

    ids: list[int]
    weights: list[float]
    pointers: tuple[Pointer, ...] = ()


@dataclass(frozen=True)
class Stage:
    """The mixture of rows up to a number of tokens seen."""

    until: float
    """Tokens seen, in millions."""
    drills: float
    """Share of drills."""
    levels: tuple[float, float, float, float, float]
    """Weights of levels 1 to 5; 5 has long passages: facts among other text, whole paragraphs."""
    prose: float
    """Share of prose among the episodes."""
    bare: float
    """Share of rows without the system message, which is half of a short row and always the same."""
    turns: int
    """Most questions in a row."""


CURRICULUM = (
    Stage(0.3, 0.2, (0.5, 0.3, 0.15, 0.05, 0), 0.2, 0.9, 6),
    Stage(1.0, 0.1, (0.25, 0.3, 0.25, 0.2, 0), 0.3, 0.8, 4),
    Stage(2.2, 0.1, (0.1, 0.25, 0.3, 0.35, 0), 0.35, 0.7, 4),
    Stage(4.2, 0.05, (0.1, 0.2, 0.3, 0.4, 0), 0.4, 0.6, 4),
    Stage(7.2, 0.05, (0.05, 0.1, 0.25, 0.5, 0.1), 0.5, 0.4, 4),
    Stage(23.7, 0.02, (0.05, 0.1, 0.2, 0.55, 0.1), 0.5, 0.3, 3),
    Stage(28.2, 0.02, (0.03, 0.07, 0.15, 0.4, 0.35), 0.5, 0.2, 4),
    Stage(35.6, 0.02, (0.05, 0.1, 0.15, 0.35, 0.35), 0.6, 0.2, 8),
    Stage(float("inf"), 0.01, (0.05, 0.1, 0.1, 0.3, 0.45), 0.65, 0.2, 6),
)


class Rows:
    """Draws pools of rows and cuts them into batches of similar lengths."""

    def __init__(
        self,
        tokenizer: Any,
        people: Questions,
        documents: Sequence[str],
        prompt: Prompt,
        *,
        tables: Sequence[Table] = (),
        seed: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.people = people
        self.documents = documents
        self.tables = tables
        self.prompt = prompt
        self.seed = seed
        messages = [{"role": "system", "content": prompt.instructions()}]
        system = tokenizer.apply_chat_template(messages, tokenize=False)
        self.unscored = len(tokenizer(system, add_special_tokens=False)["input_ids"])
        """The system message is the same in every row: nothing to learn from it."""
        self.newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        """What the chat template puts between messages."""
        (self.question,) = tokenizer.convert_tokens_to_ids(["Question"])
        """The word that opens a question."""

    def encode(self, episode: Episode, random: Random, *, bare: bool = False, turns: int = 1) -> Row:
        """A share of the prompt's tokens, all of the completions and the ends of turns, which weigh more.

        Args:
            turns: most questions; each after the first is the user's next message.
        """
        messages = episode.messages(self.prompt)[1 if bare else 0 :]
        ids: list[int] = []
        weights = [0.0] * (0 if bare else self.unscored)
        source = Source(self.tokenizer, messages, episode)
        pointers = source.while_reading(episode)
        follow = [
            (question, [Message(role="user", content=f"Question: {question}")], completion)
            for question, completion in episode.more[: turns - 1]
        ]
        for question, asked, completion in [(episode.question, messages, episode.completion), *follow]:
            ids += [*(self.newline if ids else []), *encode(self.tokenizer, asked)]
            weights += [float(random.random() < PROMPT_SHARE) for _ in range(len(ids) - len(weights))]
            closed = len(ids) - 1 - ids[::-1].index(self.tokenizer.eos_token_id)
            opened = closed - ids[:closed][::-1].index(self.question)
            pointers += source.pointers(question, completion, range(opened + 1, closed), len(ids) - 1)
            ids += [*self.tokenizer(completion, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]
            weight = COMPLETION_WEIGHT * (ABSTENTION_SHARE if completion == self.prompt.abstention else 1.0)
            weights += [weight] * (len(ids) - len(weights))
        return Row(ids, weights, tuple(pointers))

    def batches(
        self, pool: int, tokens_seen: int, *, batch_tokens: int, longest: int, together: int = 1
    ) -> list[list[Row]]:
        """One pool, cut into batches of at most ``batch_tokens`` padded tokens, in random order.

        Args:
            together: so many successive batches are of similar lengths, for processes that wait for each other.
        """
        random = Random(f"{self.seed}:{pool}")
        stage = next(stage for stage in CURRICULUM if tokens_seen < stage.until * 1e6)
        world = World(random, self.prompt)
        prose = Prose(random, self.prompt, self.people, self.documents, self.tables)
        rows: list[Row] = []
        while len(rows) < POOL_ROWS:
            if random.random() < stage.drills:
                drill = random.choice([recall, repetition])
                rows.append(Row(*drill(random, len(self.tokenizer.all_special_ids), len(self.tokenizer))))
                continue
            level = random.choices((1, 2, 3, 4, 5), stage.levels)[0]
            if random.random() < stage.prose:
                episode = prose.episode(level)
            else:
                episode = world.episode(min(level, 4))
                if level == 5:
                    episode = self._lengthen(episode, world, random)
            row = self.encode(episode, random, bare=random.random() < stage.bare, turns=random.randint(1, stage.turns))
            if len(row.ids) <= longest:
                rows.append(row)
        rows.sort(key=lambda row: len(row.ids))
        batches: list[list[Row]] = [[]]
        for row in rows:
            if batches[-1] and (len(batches[-1]) + 1) * padded(len(row.ids)) > batch_tokens:
                batches.append([])
            batches[-1].append(row)
        groups = [batches[start : start + together] for start in range(0, len(batches), together)]
        left_over = [groups.pop()] if len(groups[-1]) < together else []
        random.shuffle(groups)
        return [batch for group in [*groups, *left_over] for batch in group]

    def _lengthen(self, episode: Episode, world: World, random: Random) -> Episode:
        """The same question over passages as long as real chunks are, with other facts or prose around."""

        def around() -> str:
            draw = random.random()
            return "" if draw < 0.4 else world.aside() if draw < 0.75 else random.choice(self.documents)

        passages = []
        for passage in episode.passages:
            parts = (around(), passage.text, around())
            passages.append(replace(passage, text="\n".join(part for part in parts if part)))
        return replace(episode, passages=tuple(passages))


def padded(length: int) -> int:
    """A length rounded up, so that few shapes occur."""
    return -(-length // 32) * 32
