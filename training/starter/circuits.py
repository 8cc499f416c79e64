"""The starter's first weights: finding, citing and copying are laid down instead of waited for.

From random weights a model of this size needs more tokens to come upon these circuits than a CPU
can give it; written down they are there at the first step, and the rest is trained around them. What
the attention heads do, layer by layer:

0. bring to each position the token before it, the rare words around it, and those just asked;
1. bring it the number of the passage that it lies in, or the sign that it lies in the question;
2. every word of the question looks for itself in the passages and brings the number of the passage
   where it stands; every word of the passages looks for itself in the question, and is marked if it
   is there (and, for copying: look where the present token stood before and say what came next, the
   induction of Olsson et al. 2022, arXiv 2209.11895);
3. collect these votes over the rare words of the last question, as BM25 would, and say the number;
   and bring to each position how many of the words just before it are marked;
4. and 5. look within the passage voted for where the words around resemble those asked, and say the
   tokens that stand there, and the passage's number.

Knows nothing about the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONSTANT, RARE, OPENS, ENDS, NUMBERS = 0, 1, 2, 3, slice(4, 14)
"""Dimensions of the embeddings: the same for every token; how rare the token is (-0.5 to 0.5); whether it opens a
mark; whether it ends a sentence or a cell; and one each for the passages' numbers, the question's colon, the answer's
opening."""
KNOWN = 14
"""How many these are; what a token means follows."""
BEFORE, AROUND, PASSAGES = 32, 48, 8
"""Dimensions that hold the token before, the words around a position (or asked), and the passages' numbers."""
FAR_FROM = 10
"""Slow rotary pairs from here on hardly turn over a whole prompt: content is compared in them."""
NEAR, CLOSE, WIDE, BROAD, NEARLY = (0, 1, 2), (3, 4, 6), (5, 7, 8), (6, 8, 9), (4, 5, 6)
"""Rotary pairs that tell a position from its neighbours, and from those within some 3, 9, 20 and 8 tokens."""
RECENT = (8, 9, 10)
"""Rotary pairs by which the nearer of two marks is told from the farther."""
LOUDNESS = 0.8
"""Of the final norm: louder, and a copy is said more surely than it deserves before training."""
BALLAST, TYPICAL = 20.0, (0.10, 0.13, 0.14, 0.32, 0.58, 0.62, 0.64)
"""What the constant dimension holds, and how large the rest of the stream is at first (root mean square) before each
layer and at the end. Without ballast the norms shrink what is laid down as soon as the learned part of the stream
grows."""
SAID = 0.3
"""How loudly the number of the passage looked at is said."""


def token_width(width: int) -> int:
    """The dimensions for what a token means; as many (or one more) are for what is to be said.

    Apart from each other, so that a token can still be read when much has been said over it.
    """
    return (width - KNOWN - BEFORE - 1 - 2 * AROUND - PASSAGES - 1 - 2 * PASSAGES - 2) // 2


@dataclass(frozen=True)
class Marks:
    """The tokens by which Lockstep's prompt is recognised."""

    passage: int
    """Opens the mark of a passage."""
    question: int
    """Opens the question."""
    answer: int
    """Opens the assistant's turn, which lies in no passage."""
    numbers: Sequence[int]
    """Stand after the opening of a mark: the numbers of the passages, from 1."""
    colon: int
    """Stands after the opening of the question."""
    ends: Sequence[int]
    """End a sentence, a line or a cell."""


@dataclass
class Laid:
    """Which heads are laid down: layer to heads."""

    look: dict[int, set[int]] = field(default_factory=dict)
    """Where they look."""
    bring: dict[int, set[int]] = field(default_factory=dict)
    """Also what they bring, into dimensions that belong to them."""


def lay_down(model: Any, vectors: Any, frequencies: Any, marks: Marks, *, seed: int) -> Laid:
    """Set the weights of an untrained Qwen3 whose head is not tied to its embeddings.

    Args:
        model: ``Qwen3ForCausalLM`` of six layers with eight heads of size 64, as many of keys, and
            a rotary base of 1e8.
        vectors: of the tokens, (vocabulary, ``token_width``), of any scale.
        frequencies: of the tokens in texts like those to come, (vocabulary,), summing to one.
    """
    import torch

    draft = _Draft(model, vectors, frequencies, marks, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        draft.write()
    return draft.laid


@dataclass
class _Draft:
    model: Any
    vectors: Any
    frequencies: Any
    marks: Marks
    generator: Any
    laid: Laid = field(default_factory=Laid)

    def write(self) -> None:
        import torch

        width = self.model.config.hidden_size
        size = token_width(width)
        parts = [BEFORE, 1, AROUND, AROUND, PASSAGES, 1, PASSAGES, PASSAGES, 1, 1]
        _, self.token, self.said, before, opened, around, asked, passage, in_question, vote, votes, matched, share = (
            torch.split(torch.arange(width), [KNOWN, size, width - KNOWN - size - sum(parts), *parts])
        )
        self.half = self.model.config.head_dim // 2
        slow = torch.arange(FAR_FROM, self.half)
        self.far = torch.cat([slow, slow + self.half])
        self.read = self._of_token(self._orthonormal(size))
        """How a token is read out of the stream, (size, width)."""
        self.turn = torch.zeros(width, width)
        """From a token read to the same token said: saying it must not look like being it."""
        self.turn[self.token[:, None], self.said] = self._orthonormal(len(self.said))[:size]
        carried = self.read @ self.turn @ self._mixed()
        """The same for a word that is only brought to another position."""
        self._silence()
        self._words()
        stream = torch.eye(width)
        previous, sketch = (self._of_token(self._orthonormal(size)[:count]) for count in (BEFORE, AROUND))
        own = self._of_token(self._orthonormal(size))

        # The amounts were chosen by how often the right passage is cited before any training, on generated
        # questions with the wordings of training. Those of layer 0 are small: what a norm makes of a mark
        # must not hang on the words around it.
        opens, last = torch.cat([previous, stream[[OPENS]]]), torch.cat([before, opened])
        self._gather(0, NEAR, 1, opens, last, 0.15, rare=False)
        self._gather(1, CLOSE, 2, sketch, around, 0.25, rare=True)
        self._gather(2, WIDE, 9, sketch, asked, 0.25, rare=True)
        self._gather(3, BROAD, 20, sketch, around, 0.125, rare=True)

        self._find_mark(1, 7, opened)
        self._bring(1, 7, stream[NUMBERS][:-1], torch.cat([passage, in_question]), 0.14)

        for head, part in zip((0, 1, 2, 6), self.read.chunk(4), strict=True):
            self._look(2, head, previous, stream[before])
            self._move(2, head, part, part @ self.turn, 0.9)
        room, half = len(self.far) - 1, len(self.far) // 2
        with_before = torch.cat([own[room : room + half], 0.7 * stream[before[: half - 1]]])
        for head, itself in ((3, own[:room]), (5, with_before)):
            self._look(2, head, itself, itself)
            self._rather(2, head, self.far[-1], 0.2, passage, 0.53)
            self._bring(2, head, stream[passage], vote, 0.15)
        # A word that the question does not have finds nothing more like it than itself, which is not in the question.
        self._look(2, 7, own[:room], own[:room])
        self._rather(2, 7, self.far[-1], 0.22, in_question, 0.4)
        self._bring(2, 7, stream[in_question], matched, 0.15)
        self._look_at_question(2, 4, in_question)
        self._bring(2, 4, sketch, asked, 0.1)

        query, key = self._blank(3, 4)
        self._near(query, key, NEARLY, 8)
        self._rather(3, 4, FAR_FROM, 0.05, RARE, 3.0)
        self._bring(3, 4, stream[matched], share, 0.8)
        self._look_at_question(3, 3, in_question)
        self._bring(3, 3, stream[vote], votes, 0.15)
        self._cite(3, 3, stream[vote], PASSAGES, 9 * SAID)
        for head, part in enumerate(self.read.chunk(3)):
            # A head compares fewer dimensions than there are: each sees others.
            seen = torch.arange(room) + (AROUND - room) * head // 2
            self._look(3, head, stream[asked[seen]], stream[around[seen]])
            self._rather(3, head, self.far[-1], 0.1, passage, 0.54)
            self._move(3, head, part, part @ self.turn, 0.15)
            self._cite(3, head, stream[passage], len(part), SAID / 3)

        # Where heads 4 to 7 of the last two layers look is taught (``pointing``): the last layer's at the end of a
        # sentence, for the word that those of the layer before have brought there.
        for head, (part, carry) in enumerate(zip(self.read.chunk(4), carried.chunk(4), strict=True)):
            seen = (torch.arange(room - PASSAGES - 2) + 6 * head) % AROUND
            wanted = torch.cat([stream[asked[seen]], 4 * stream[votes], stream[[CONSTANT]]])
            there = torch.cat([stream[around[seen]], 2 * stream[passage], 2 * stream[share]])
            for layer, number in ((4, head), (5, head), (5, 4 + head)):
                self._look(layer, number, wanted, there)
                self._rather(layer, number, self.far[-1], 0.12, passage, 0.46)
            for layer, amount in ((4, 0.3), (5, 1.5)):
                self._move(layer, head, part, part @ self.turn, amount)
                self._cite(layer, head, stream[passage], len(part), SAID / 4)
            self._rather(5, 4 + head, self.far[-2], 1.0, ENDS, 1.0)
            self._move(4, 4 + head, part, carry, 1.0)
            self._move(5, 4 + head, carry, part @ self.turn, 1.0)

    # Where a head looks

    def _gather(
        self, head: int, pairs: Sequence[int], back: int, reads: Any, into: Any, amount: float, *, rare: bool
    ) -> None:
        """In the first layer: at what stands about ``back`` tokens before, rather the rare of it. And bring it."""
        query, key = self._blank(0, head)
        self._near(query, key, pairs, back)
        if rare:
            self._rather(0, head, FAR_FROM, 2.0, RARE, 3.0)
        self._bring(0, head, reads, into, amount)

    def _near(self, query: Any, key: Any, pairs: Sequence[int], back: int) -> None:
        """At what stands about ``back`` tokens before."""
        import torch

        angles = self.model.config.rope_parameters["rope_theta"] ** (-torch.tensor(pairs) / self.half)
        for matrix, distance in ((query, 0), (key, back)):
            matrix[pairs, CONSTANT] = torch.cos(distance * angles)
            matrix[[pair + self.half for pair in pairs], CONSTANT] = torch.sin(distance * angles)

    def _find_mark(self, layer: int, head: int, opened: Any) -> None:
        """At the last mark: what follows the opening of a passage's or the question's, or opens the answer."""
        query, key = self._blank(layer, head)
        self._rather(layer, head, self.far[-1], 1.0, NUMBERS, 1.0)
        # Neither an opening nor a number alone is a mark: only their sum is above zero.
        key[self.far[-1], opened] = 0.7
        key[self.far[-1], NUMBERS.stop - 1] = 2.0
        key[self.far[-1], CONSTANT] = -1.0
        self._rather_near(query, key, 1.0, 0.12)

    def _look_at_question(self, layer: int, head: int, in_question: Any) -> None:
        """At the rare words of the last question."""
        query, key = self._blank(layer, head)
        self._rather(layer, head, self.far[-2], 2.0, in_question, 1.78)
        self._rather(layer, head, self.far[-1], 1.0, RARE, 1.0)
        self._rather_near(query, key, 0.5, 1.0)

    def _look(self, layer: int, head: int, wanted: Any, there: Any) -> None:
        """Where the stream as read by ``there`` resembles the present one as read by ``wanted``."""
        query, key = self._blank(layer, head)
        query[self.far[: len(wanted)]] = wanted
        key[self.far[: len(there)]] = there

    def _rather(self, layer: int, head: int, place: Any, query_amount: float, reads: Any, key_amount: float) -> None:
        """And rather where a dimension (any of these) is high; ``place`` is where the head compares it."""
        query, key, _, _ = self._heads(layer)
        query[head, place, CONSTANT] = query_amount
        key[head, place, reads] = key_amount

    def _rather_near(self, query: Any, key: Any, query_amount: float, key_amount: float) -> None:
        """And rather at what is nearer: a quarter turn makes the slope of a pair's cosine steepest at distance 0."""
        query[list(RECENT), CONSTANT] = query_amount
        key[[pair + self.half for pair in RECENT], CONSTANT] = -key_amount

    def _blank(self, layer: int, head: int) -> tuple[Any, Any]:
        """Query and key of a head that is to be laid down, (size, width) each."""
        query, key, value, out = self._heads(layer)
        query[head], key[head], value[head], out[:, head] = 0.0, 0.0, 0.0, 0.0
        if layer < len(self.model.model.layers) - 1:  # the last layer's are a proposal
            self.laid.look.setdefault(layer, set()).add(head)
        return query[head], key[head]

    # What it brings from there

    def _bring(self, layer: int, head: int, reads: Any, into: Any, amount: float) -> None:
        """What ``reads`` finds there, into dimensions of its own."""
        import torch

        _, _, value, out = self._heads(layer)
        value[head, : len(reads)] = reads
        out[into, head, : len(into)] = amount * torch.eye(len(into))
        self.laid.bring.setdefault(layer, set()).add(head)

    def _move(self, layer: int, head: int, reads: Any, into: Any, amount: float) -> None:
        """What ``reads`` finds there, so that ``into`` reads it here; with ``turn``, so that it is said."""
        _, _, value, out = self._heads(layer)
        value[head, : len(reads)] = reads
        out[:, head, : len(reads)] = amount * into.T

    def _cite(self, layer: int, head: int, reads: Any, first: int, amount: float) -> None:
        """The number of the passage there, to be said; ``first`` is the first place that is free in the head."""
        import torch

        said = torch.linalg.pinv(self.model.lm_head.weight[list(self.marks.numbers)])  # (width, passages)
        _, _, value, out = self._heads(layer)
        value[head, first : first + len(reads)] = reads
        out[:, head, first : first + len(reads)] = amount * said

    # Everything else

    def _orthonormal(self, size: int) -> Any:
        import torch

        return torch.linalg.qr(torch.randn(size, size, generator=self.generator))[0]

    def _mixed(self) -> Any:
        """Another basis of what is to be said, (width, width)."""
        import torch

        mixed = torch.zeros(self.turn.shape)
        mixed[self.said[:, None], self.said] = self._orthonormal(len(self.said))
        return mixed

    def _of_token(self, matrix: Any) -> Any:
        """A reading of a token's own dimensions as one of the stream, (rows, width)."""
        import torch

        found = torch.zeros(len(matrix), self.model.config.hidden_size)
        found[:, self.token] = matrix
        return found

    def _heads(self, layer: int) -> tuple[Any, Any, Any, Any]:
        """Query, key and value matrices (heads, size, width), and the output's (width, heads, size)."""
        config, attention = self.model.config, self.model.model.layers[layer].self_attn
        heads, size, width = config.num_attention_heads, config.head_dim, config.hidden_size
        inward = (getattr(attention, f"{name}_proj").weight.view(heads, size, width) for name in "qkv")
        return (*inward, attention.o_proj.weight.view(width, heads, size))

    def _silence(self) -> None:
        """Nothing that is not laid down says anything yet; what resembles is what other heads look for.

        After Trockman & Kolter 2023, arXiv 2305.09828.
        """
        for number, layer in enumerate(self.model.model.layers):
            query, key, value, out = self._heads(number)
            out.zero_()
            layer.mlp.down_proj.weight.zero_()
            for head in range(len(query)):
                alike = self._of_token(self._orthonormal(len(self.token))[: len(self.far)])
                for matrix in (query, key):
                    matrix[head] *= 0.3
                    matrix[head, self.far] += alike
                value[head] += self.read[: value.shape[1]].roll(-head * 20, 0)
            self._weigh(layer.input_layernorm, TYPICAL[number])
            self._weigh(layer.post_attention_layernorm, TYPICAL[number + 1])
            for norm in (layer.self_attn.q_norm.weight, layer.self_attn.k_norm.weight):
                norm.fill_(1.0)
                norm[self.far] = 2.2 if number else 1.5  # how sharp a head's eye is
                if number == 0:
                    norm[self._pairs(NEAR)] = 3.0
                if number == 1:
                    norm[self.far[-1]] = 8.0
                if number in (1, 2, 3):
                    norm[self._pairs(RECENT)] = 3.0

    def _weigh(self, norm: Any, typical: float) -> None:
        """Let a norm give what it would without ballast, of which a little is left: a constant of 1.5."""
        norm.weight.fill_((1 + BALLAST**2 / len(norm.weight) / typical**2) ** 0.5)
        norm.weight[CONSTANT] *= 1.5 / BALLAST

    def _pairs(self, pairs: Sequence[int]) -> Any:
        """Both places of each rotary pair in a head."""
        import torch

        first = torch.tensor(pairs)
        return torch.cat([first, first + self.half])

    def _words(self) -> None:
        """Embeddings and head. Rare words say what a text is about, and bags of them lie around zero."""
        import torch

        rare = (-self.frequencies.clamp(min=1e-9).log() - 4).clamp(0, 6) / 3 - 1  # from e^-4 (-1) to e^-10 (1)
        weight = self.frequencies * torch.exp(4 * rare)
        centre = (self.vectors * weight[:, None]).sum(0) / weight.sum()
        tokens = torch.nn.functional.normalize(self.vectors - centre, dim=1)
        embeddings, head = self.model.model.embed_tokens.weight, self.model.lm_head.weight
        embeddings.zero_()
        embeddings[:, self.token] = tokens
        embeddings[:, CONSTANT] = BALLAST
        embeddings[:, RARE] = 0.5 * rare
        marks = self.marks
        embeddings[[marks.passage, marks.question], OPENS] = 1.0
        embeddings[marks.ends, ENDS] = 1.0
        for place, token in enumerate([*marks.numbers, marks.colon, marks.answer], start=NUMBERS.start):
            embeddings[token, place] = 1.0
        head.copy_(self._of_token(tokens) @ self.turn)
        self._weigh(self.model.model.norm, TYPICAL[-1])
        self.model.model.norm.weight *= LOUDNESS
