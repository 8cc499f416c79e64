import json
from argparse import Namespace
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from retrieval.prompt import Prompt
from training.starter import build, source
from training.starter.drills import recall, repetition
from training.starter.measure import outcomes, repetition_loss
from training.starter.paths import starter_path
from training.starter.questions import Questions
from training.starter.rows import CURRICULUM, Row, Rows, padded
from training.starter.tokenizer import cut_tokenizer
from training.starter.world import Episode, World


@pytest.fixture
def people() -> Questions:
    """One paragraph, with what can and what cannot be asked on it."""
    found = Questions()
    found.paragraph("p", "a", "Oder", "The Oder is a river in Europe. It flows from south to north for 840 km.")
    found.question("How long is the Oder?", ["840 km"], "p")
    found.unanswerable.append(("Who owns it?", "p"))
    return found


DOCUMENTS = ["Python is a language. It has many libraries and a large standard library of its own."]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(starter_path(), local_files_only=True)


@pytest.fixture
def rows(tokenizer, people) -> Rows:
    return Rows(tokenizer, people, DOCUMENTS, Prompt(), seed=3)


@pytest.mark.parametrize("seen", [0, 500_000, 2_000_000, 10**8])
def test_batches_are_bounded_and_alike_in_length(rows, seen):
    batches = rows.batches(4, seen, batch_tokens=2048, longest=600)
    assert sum(map(len, batches)) == 384
    for batch in batches:
        longest = max(len(row.ids) for row in batch)
        assert longest <= 600
        assert len(batch) * padded(longest) <= 2048 or len(batch) == 1
        assert all(len(row.ids) == len(row.weights) for row in batch)
        assert all(any(row.weights) for row in batch)


def test_processes_that_wait_for_each_other_get_batches_of_similar_lengths(rows):
    def longest(batch: list[Row]) -> int:
        return max(len(row.ids) for row in batch)

    batches = rows.batches(4, 10**6, batch_tokens=2048, longest=600, together=3)
    assert sum(map(len, batches)) == 384
    whole = len(batches) // 3 * 3
    groups = [sorted(map(longest, batches[start : start + 3])) for start in range(0, whole, 3)]
    assert groups != sorted(groups), "the groups themselves come in random order"
    ordered = sorted(groups)
    assert all(before[-1] <= after[0] for before, after in pairwise(ordered))


def test_a_pool_depends_on_seed_and_number_only(rows):
    def draw(one: Rows, pool: int) -> list[list[list[int]]]:
        return [[row.ids for row in batch] for batch in one.batches(pool, 10**6, batch_tokens=2048, longest=600)]

    assert draw(rows, 1) == draw(rows, 1)
    assert draw(rows, 1) != draw(rows, 2)


def test_the_answer_weighs_most_and_the_system_message_nothing(rows, tokenizer):
    episode = World(Random(2), Prompt()).episode(4)
    row = rows.encode(episode, Random(1))
    completion = tokenizer(episode.completion, add_special_tokens=False)["input_ids"]
    assert row.weights[-len(completion) - 1 :] == [4.0] * (len(completion) + 1)
    assert row.ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(row.ids[: rows.unscored]).rstrip().endswith("in the documents.<|im_end|>")
    assert not any(row.weights[: rows.unscored])
    bare = rows.encode(episode, Random(1), bare=True)
    assert bare.ids == row.ids[rows.unscored :]


def test_a_lengthened_passage_holds_its_own_text_among_others(rows):
    world = World(Random(3), Prompt())
    episodes = [world.episode(4) for _ in range(20)]
    longer = [rows._lengthen(episode, world, Random(n)) for n, episode in enumerate(episodes)]
    pairs = [
        pair for both in zip(episodes, longer, strict=True) for pair in zip(*(b.passages for b in both), strict=True)
    ]
    assert all(short.text in long.text for short, long in pairs)
    assert 0.7 < sum(short.text != long.text for short, long in pairs) / len(pairs) < 0.95
    assert [one.completion for one in longer] == [one.completion for one in episodes]


def test_a_conversation_reads_once_and_answers_each_question(rows, tokenizer):
    drawn = (World(Random(n), Prompt()).episode(4) for n in range(99))
    # One of the questions asked is not answered: it weighs less.
    episode = next(e for e in drawn if len(e.more) > 2 and Prompt().abstention in (c for _, c in e.more[:2]))
    row = rows.encode(episode, Random(1), turns=3)
    said = tokenizer.apply_chat_template(
        [
            *episode.messages(Prompt()),
            {"role": "assistant", "content": episode.completion},
            {"role": "user", "content": f"Question: {episode.more[0][0]}"},
            {"role": "assistant", "content": episode.more[0][1]},
            {"role": "user", "content": f"Question: {episode.more[1][0]}"},
            {"role": "assistant", "content": episode.more[1][1]},
        ],
        tokenize=False,
    )
    # Completions are encoded by themselves, as a generator says them.
    assert tokenizer.decode(row.ids).replace(" ", "") == said.replace(" ", "").rstrip("\n")
    completions = [episode.completion, *(completion for _, completion in episode.more[:2])]
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1 for text in completions]
    weights = [1.6 if text == Prompt().abstention else 4.0 for text in completions]
    assert Counter(weight for weight in row.weights if weight > 1) == Counter(
        weight for weight, length in zip(weights, lengths, strict=True) for _ in range(length)
    )
    ends = [weight for token, weight in zip(row.ids, row.weights, strict=True) if token == tokenizer.eos_token_id]
    assert [weight for weight in ends if weight > 1] == weights


def test_repetition_says_a_random_sequence_again():
    for number in range(50):
        ids, weights = repetition(Random(number), 3, 999)
        segment = weights.count(0.0)
        assert ids[segment:] == ids[:segment] * (len(ids) // segment - 1)
        assert set(weights[segment:]) == {1.0}


def test_what_a_drill_asks_for_was_stated_before():
    for number in range(200):
        ids, weights = recall(Random(number), 3, 10**9)
        assert min(ids) >= 3
        spans = "".join("x" if weight else " " for weight in weights).split()
        assert len(spans) >= 2
        start = 0
        for span in spans:
            start = weights.index(1.0, start)
            wanted, stated = ids[start : start + len(span)], ids[:start]
            assert any(stated[i : i + len(span)] == wanted for i in range(start))
            start += len(span)


def test_the_curriculum_goes_on_without_end():
    assert CURRICULUM[-1].until == float("inf")
    assert [stage.until for stage in CURRICULUM] == sorted(stage.until for stage in CURRICULUM)


def test_targets_are_the_next_tokens(rows):
    batch = rows.batches(1, 10**6, batch_tokens=1024, longest=300)[0]
    ids, index, targets, weights = build.collate(batch)
    flat = ids.flatten()
    assert torch.equal(flat[index + 1], targets)
    assert bool((weights > 0).all())


def test_the_rate_warms_up_stays_and_falls_to_zero():
    total = 1_000_000
    values = [build.rate(seen, total) for seen in (0, 50_000, 100_000, 400_000, 700_000, total)]
    assert values[0] < values[1] < values[2] == values[3] == 1.0
    assert values[4] == pytest.approx(0.5)
    assert values[5] == 0.0
    assert build.rate(400_000, total, begun=400_000) == values[0], "it warms up again where its moments are new"


def test_repetition_loss_tells_a_copier_from_chance(tokenizer):
    class Copier:
        device = "cpu"

        def __call__(self, *, input_ids, use_cache):
            following = torch.roll(input_ids, input_ids.shape[1] // 2 - 1, dims=1)
            return Namespace(logits=20.0 * torch.nn.functional.one_hot(following, len(tokenizer)))

    class Guesser:
        device = "cpu"

        def __call__(self, *, input_ids, use_cache):
            return Namespace(logits=torch.zeros(*input_ids.shape, len(tokenizer)))

    assert repetition_loss(Copier(), len(tokenizer), seed=1) < 0.1
    assert repetition_loss(Guesser(), len(tokenizer), seed=1) == pytest.approx(9.01, abs=0.01)


def test_outcomes_by_hand():
    prompt = Prompt()

    def episode(value: str | None, mark: int = 1) -> Episode:
        return Episode("q", (), prompt.abstention if value is None else f"{value} [{mark}]", value)

    episodes = [episode("5 mm"), episode("red", 2), episode("7"), episode(None), episode(None)]
    answers = ["5 mm [1]", "red [1]", prompt.abstention, prompt.abstention, "3 [1]"]
    assert outcomes(episodes, answers, prompt) == {
        "exact_match": 0.6667,
        "abstention_f1": 0.5,
        "citation_accuracy": 0.5,
    }
    assert "abstention_f1" not in outcomes(episodes[:3], answers[:3], prompt), "nothing had to be refused"


def test_training_can_stop_and_go_on(tmp_path: Path, monkeypatch, capsys, tiny_starter, people):
    monkeypatch.setattr(build, "questions_of", lambda arguments: people)
    monkeypatch.setattr(build, "documentation", lambda: DOCUMENTS)
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(build, "new_model", lambda tokenizer, rows: tiny_starter(tokenizer))
    (tmp_path / "work").mkdir()
    AutoTokenizer.from_pretrained(starter_path()).save_pretrained(tmp_path / "work" / "tokenizer")
    arguments = Namespace(
        docs=str(tmp_path / "docs"),
        work=str(tmp_path / "work"),
        output=str(tmp_path / "model"),
        tokens="15e3",
        batch_tokens=2048,
        learning_rate=3e-3,
        measure_every=1e9,
        questions=2,
        seed=1,
        pointing=0.3,
        base=None,
    )
    build.Training(arguments).run()
    first = json.loads((tmp_path / "work" / "history.json").read_text())
    arguments.tokens = "30e3"
    build.Training(arguments).run()
    second = json.loads((tmp_path / "work" / "history.json").read_text())

    assert first[-1]["tokens"] >= 15_000
    assert second[0] == first[0]
    assert second[-1]["tokens"] >= 30_000
    assert second[-1]["loss"] < first[-1]["loss"]
    published = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= set(published)
    assert json.loads((tmp_path / "model" / "config.json").read_text())["dtype"] == "bfloat16"

    arguments.base, arguments.work, arguments.output = arguments.output, str(tmp_path / "other"), str(tmp_path / "new")
    with pytest.raises(SystemExit, match=r"tokens already, expected fewer than --tokens"):
        build.Training(arguments)
    arguments.tokens = "60e3"
    training = build.Training(arguments)
    assert training.seen == training.begun == second[-1]["tokens"], "what was published says how far it got"
    assert training.pool == second[-1]["pool"] > 0, "and which rows come next"
    published_weights = load_file(tmp_path / "model" / "model.safetensors")["model.embed_tokens.weight"]
    assert torch.equal(training.model.get_input_embeddings().weight.cpu().bfloat16(), published_weights)
    training.run()
    third = json.loads((tmp_path / "new" / "history.json").read_text())
    assert third[: len(second)] == second
    assert third[-1]["tokens"] >= 60_000
    assert third[-1]["loss"] < first[-1]["loss"]


def test_a_source_of_another_file_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF of somebody else")
    monkeypatch.setattr(source, "distribution", lambda name: Namespace(locate_file=lambda _: tmp_path / "model.gguf"))
    with pytest.raises(ValueError, match="expected b179c952"):
        source.source_path()


class TestTokenizer:
    def test_keeps_every_text(self, tokenizer):
        for text in ["12.5 V, ±3 µm [2]", "`a.b_c` /etc/x.conf", "é ü 漢字 🎉", "  two  spaces\n\n\tx ", ""]:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert tokenizer.decode(ids) == text

    def test_a_word_is_the_same_token_at_the_start_and_inside(self, tokenizer):
        alone = tokenizer("October 1973", add_special_tokens=False)["input_ids"]
        inside = tokenizer("in October 1973", add_special_tokens=False)["input_ids"]
        assert inside[-len(alone) :] == alone

    def test_marks_what_the_assistant_says(self, tokenizer):
        messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "42 mm [2]"}]
        encoded = tokenizer.apply_chat_template(
            messages, return_dict=True, return_assistant_tokens_mask=True, add_generation_prompt=False
        )
        pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        assert tokenizer.decode([i for i, masked in pairs if masked]) == "42 mm [2]<|im_end|>"

    def test_a_cut_keeps_what_the_texts_use_most(self, tokenizer, tmp_path: Path):
        cut_tokenizer(
            tokenizer, ["the pump runs at 30 rpm " * 20, "a government"], tmp_path, vocabulary=268, context=64
        )
        cut = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
        assert (len(cut), cut.model_max_length) == (268, 64)
        assert (cut.eos_token, cut.pad_token) == ("<|im_end|>", "<|endoftext|>")
        assert cut.chat_template == tokenizer.chat_template
        assert cut.tokenize("the pump")[0] == "\u0120the"
        assert len(cut.tokenize("government")) > len(tokenizer.tokenize("government"))
        for text in ("the pump", "government 12", "\u00e9 \u6f22"):
            assert cut.decode(cut(text, add_special_tokens=False)["input_ids"]) == text

    def test_a_cut_that_keeps_all_that_is_used_cuts_alike(self, tokenizer, tmp_path: Path):
        text = "The Velora 340 pump, made in Austria, weighs 12.5 kg."
        cut_tokenizer(tokenizer, [text], tmp_path, vocabulary=400)
        assert AutoTokenizer.from_pretrained(tmp_path, local_files_only=True).tokenize(text) == tokenizer.tokenize(text)
