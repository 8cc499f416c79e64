import json
import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from retrieval.errors import InputError, LeakError, MismatchError, StorageError
from training.data.examples import SPLITS, Example, question_id
from training.data.frozen_split import FrozenSplit
from training.data.leaks import check_no_leak
from training.data.splits import Split, make_split


def example(
    key: str, *documents: str, split: str | None = None, answers: tuple[str, ...] = ("x",), **more: object
) -> Example:
    fields = {"question": f"Question {key}?", "provenance": f"e.jsonl:{key}", **more}
    return Example(id=key, answers=answers, document_ids=documents, split=split, **fields)  # type: ignore[arg-type]


def corpus(n: int) -> tuple[list[Example], dict[str, str]]:
    examples = [example(f"q{i}", f"d{i}") for i in range(n)]
    return examples, {f"d{i}": f"d{i}" for i in range(n)}


def world(seed: int) -> tuple[list[Example], dict[str, str]]:
    """A random corpus: some near-duplicates, some questions over two documents, some asked twice, some loose."""
    rng = random.Random(seed)
    documents = rng.randrange(2, 20)
    groups: dict[str, str] = {}
    for i in range(documents):
        groups[f"d{i}"] = groups[f"d{rng.randrange(i)}"] if i and rng.random() < 0.3 else f"d{i}"
    examples = []
    for i in range(rng.randrange(2, 40)):
        named = rng.sample(sorted(groups), 2 if rng.random() < 0.1 else 1)
        examples.append(example(f"q{i}", *named, question=f"what is number {rng.randrange(300)}"))
    for i in range(rng.randrange(8)):
        examples.append(example(f"u{i}", answers=(), question=f"what is number {rng.randrange(280, 340)}"))
    return examples, groups


def connected(examples: list[Example], groups: dict[str, str]) -> list[set[str]]:
    """Components of examples, worked out the slow way."""
    keys = {e.id: {("g", groups[d]) for d in e.document_ids} | {("q", e.question)} for e in examples}
    components: list[tuple[set[str], set[tuple[str, str]]]] = []
    for key, mine in keys.items():
        touching = [c for c in components if c[1] & mine]
        components = [c for c in components if not c[1] & mine]
        components.append(({key}.union(*(c[0] for c in touching)), mine.union(*(c[1] for c in touching))))
    return [c[0] for c in components]


def test_no_group_document_or_question_is_in_two_splits() -> None:
    divided = 0
    for seed in range(200):
        examples, groups = world(seed)
        try:
            split = make_split(examples, groups, seed=seed)
        except InputError:
            answerable = {e.id for e in examples if e.answerable}
            assert sum(bool(c & answerable) for c in connected(examples, groups)) < 2
            continue
        divided += 1
        assert set(split.assignments) == {e.id for e in examples}
        assert split.group_of == groups
        for component in connected(examples, groups):
            assert len({split.assignments[key] for key in component}) == 1
            assert len({split.group_of_example[key] for key in component}) == 1
        for document, group in groups.items():
            assert split.split_of_document[document] == split.split_of_document[group]
        for e in examples:
            assert {split.split_of_document[d] for d in e.document_ids} <= {split.assignments[e.id]}
        assert {"train", "test"} <= {split.assignments[e.id] for e in examples if e.answerable}
        assert split == make_split(examples[::-1], dict(reversed(groups.items())), seed=seed)
    assert divided > 100


def test_stated_splits_are_honoured_or_refused() -> None:
    seen = {"refused": 0, "honoured": 0}
    for seed in range(300):
        examples, groups = world(seed)
        rng = random.Random(seed)
        own = {}
        for component in sorted(map(sorted, connected(examples, groups))):
            own.update(dict.fromkeys(component, rng.choice(SPLITS)))
        stated = []
        for e in examples:
            choice = rng.random()
            name = None if choice < 0.4 else own[e.id] if choice < 0.98 else rng.choice(SPLITS)
            stated.append(replace(e, split=name))
        by_id = {e.id: e for e in stated}
        clash = any(len({by_id[k].split for k in c} - {None}) > 1 for c in connected(stated, groups))
        try:
            split = make_split(stated, groups, seed=seed)
        except LeakError:
            assert clash
            seen["refused"] += 1
        except InputError:
            assert not clash
        else:
            assert not clash
            assert all(split.assignments[e.id] == e.split for e in stated if e.split)
            check_no_leak(split.assignments, stated, groups)
            seen["honoured"] += 1
    assert min(seen.values()) > 30


def test_a_frozen_test_set_never_changes() -> None:
    seen = {"kept": 0, "refused": 0, "held back": 0}
    for seed in range(300):
        examples, groups = world(seed)
        more, others = world(seed + 1000)
        # New questions are on new documents, but for one document that is in both.
        name = {document: f"n{document}" for document in others}
        shared = random.Random(seed).choice(sorted(set(groups) & set(others)))
        name[shared] = shared
        more = [
            replace(
                e, id=f"new-{e.id}", document_ids=tuple(name[d] for d in e.document_ids), question=f"and {e.question}"
            )
            for e in more
        ]
        everything = {**{name[d]: f"n{g}" for d, g in others.items()}, **groups}
        try:
            first = make_split(examples, groups, seed=seed)
        except InputError:
            continue
        frozen = first.freeze(examples)
        try:
            second = make_split([*more, *examples], everything, seed=seed + 1, frozen=frozen)
        except LeakError:
            seen["refused"] += 1
            continue
        seen["kept"] += 1
        seen["held back"] += bool(second.unassigned)
        assert second.fingerprint == first.fingerprint
        assert {k: second.assignments[k] for k in first.assignments} == dict(first.assignments)
        tested = {k for k, v in first.assignments.items() if v == "test"}
        assert {k for k, v in second.assignments.items() if v == "test"} == tested
        assert set(second.unassigned) | set(second.assignments) == {e.id for e in [*more, *examples]}
        held_back = dict.fromkeys(second.unassigned, "test")
        check_no_leak({**second.assignments, **held_back}, [*examples, *more], everything)
    assert seen["kept"] > 100, seen
    assert seen["held back"] > 20, seen


def test_shares_are_met_and_unanswerable_questions_are_spread_alike() -> None:
    examples, groups = corpus(400)
    loose = [example(f"u{i}", answers=(), question=f"alpha{i} beta{i} gamma{i} delta{i}") for i in range(100)]
    split = make_split([*examples, *loose], groups, seed=3)
    assert split.counts() == {"train": 300, "validation": 75, "test": 125}
    assert sum(split.assignments[e.id] == "test" for e in loose) == 25
    other = make_split([*examples, *loose], groups, seed=4)
    assert other.assignments != split.assignments


def test_a_group_too_large_to_hold_out_is_trained_on() -> None:
    large = [example(f"l{i}", "big") for i in range(100)]
    split = make_split([*large, example("a", "d1"), example("b", "d2")], {"big": "big", "d1": "d1", "d2": "d2"}, seed=0)
    assert {split.assignments[e.id] for e in large} == {"train"}
    assert split.counts() == {"train": 100, "validation": 1, "test": 1}


def test_without_validation_there_is_none() -> None:
    examples, groups = corpus(40)
    assert make_split(examples, groups, seed=0, validation=0).counts() == {"train": 30, "validation": 0, "test": 10}


def test_two_documents_make_train_and_test() -> None:
    examples, groups = corpus(2)
    assert make_split(examples, groups, seed=0).counts() == {"train": 1, "validation": 0, "test": 1}


def test_reworded_unanswerable_questions_stay_together() -> None:
    examples, groups = corpus(20)
    words = "does the petrel three buoy support wireless charging at sea in winter storms"
    loose = [
        example(f"u{i}", answers=(), question=f"{words}{tail}?") for i, tail in enumerate(["", " please", " then"])
    ]
    for seed in range(8):
        split = make_split([*examples, *loose], groups, seed=seed)
        assert len({split.assignments[e.id] for e in loose}) == 1
    # A settled one draws the others along, test before train, and none is refused.
    settled = [replace(loose[0], split="train"), replace(loose[1], split="test"), loose[2]]
    assert make_split([*examples, *settled], groups, seed=0).assignments["u2"] == "test"


def test_one_document_cannot_be_split() -> None:
    with pytest.raises(InputError, match=r"expected at least 2 independent groups.*add documents") as error:
        make_split([example(f"q{i}", "d") for i in range(9)], {"d": "d", "unasked": "unasked"}, seed=0)
    assert "found 9 answerable questions on 1 documents" in str(error.value)
    with pytest.raises(InputError, match="on 3 documents that all hang together"):
        make_split([example("a", "x", "y"), example("b", "z")], {"x": "x", "y": "y", "z": "y"}, seed=0)


def test_stated_splits_without_test_or_train_are_refused() -> None:
    for name, lacks in (("train", "test"), ("test", "train")):
        with pytest.raises(InputError, match=f"no answerable question in {lacks}"):
            make_split([example("a", "x", split=name), example("b", "y", split=name)], {"x": "x", "y": "y"}, seed=0)


def test_an_answerable_question_without_document_is_in_no_split_unless_it_states_one() -> None:
    examples, groups = corpus(10)
    split = make_split([*examples, example("lost"), example("stated", split="train")], groups, seed=0)
    assert "no document is known" in split.unassigned["lost"]
    assert "lost" not in split.assignments
    assert split.assignments["stated"] == "train"


def test_selected_examples_carry_their_split_and_unasked_documents_are_for_training() -> None:
    examples, groups = corpus(20)
    split = make_split(examples, {**groups, "unasked": "unasked", "copy": split_source(examples, groups)}, seed=0)
    chosen = split.select(examples, "test")
    assert [e.id for e in chosen] == [e.id for e in examples if split.assignments[e.id] == "test"]
    assert {e.split for e in chosen} == {"test"}
    assert split.split_of_document["unasked"] == "train"
    assert split.documents("test") >= {e.document_ids[0] for e in chosen}
    assert "copy" in split.documents("test")
    assert not split.documents("test") & split.documents("train")


def split_source(examples: list[Example], groups: dict[str, str]) -> str:
    """A document that the split above puts into test."""
    return min(make_split(examples, {**groups, "unasked": "unasked"}, seed=0).documents("test"))


class TestFrozen:
    def start(self, tmp_path: Path) -> tuple[list[Example], dict[str, str], Split, FrozenSplit]:
        examples, groups = corpus(20)
        examples += [example("u", answers=(), question="is anything else the case")]
        split = make_split(examples, groups, seed=0)
        split.freeze(examples).save(tmp_path / "split.json")
        return examples, groups, split, FrozenSplit.load(tmp_path / "split.json")

    def documents(self, split: Split, name: str) -> list[str]:
        return sorted(d for d, s in split.split_of_document.items() if s == name)

    def test_survives_the_disk(self, tmp_path: Path) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        assert frozen == split.freeze(examples)
        assert frozen.fingerprint == split.fingerprint
        assert make_split(examples, groups, seed=99, frozen=frozen).assignments == split.assignments

    def test_a_new_question_on_a_test_document_lies_in_no_split(self, tmp_path: Path) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        document = self.documents(split, "test")[0]
        groups["copy"] = groups[document]
        new = [example("new", document), example("twin", "copy"), example("stated", "free", split="test")]
        later = make_split([*examples, *new], {**groups, "free": "free"}, seed=0, frozen=frozen)
        assert set(later.unassigned) == {"new", "twin", "stated"}
        assert later.fingerprint == split.fingerprint

    def test_a_new_question_repeating_a_test_question_lies_in_no_split(self, tmp_path: Path) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        tested = next(e for e in examples if split.assignments[e.id] == "test" and e.answerable)
        new = example("new", "free", question=tested.question.upper())
        later = make_split([*examples, new], {**groups, "free": "free"}, seed=0, frozen=frozen)
        assert set(later.unassigned) == {"new"}

    def test_new_documents_go_to_train_and_validation(self, tmp_path: Path) -> None:
        examples, groups, _, frozen = self.start(tmp_path)
        new = [example(f"n{i}", f"n{i}") for i in range(40)]
        later = make_split(
            [*new, *examples], {**groups, **{f"n{i}": f"n{i}" for i in range(40)}}, seed=0, frozen=frozen
        )
        assert {later.assignments[e.id] for e in new} == {"train", "validation"}
        again = later.freeze([*new, *examples], frozen)
        assert again.fingerprint == frozen.fingerprint
        assert set(again.assignments) > set(frozen.assignments)

    def test_a_training_document_stays_one_when_its_questions_are_gone(self, tmp_path: Path) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        document = self.documents(split, "train")[0]
        kept = [e for e in examples if document not in e.document_ids]
        later = make_split(kept, groups, seed=0, frozen=frozen)
        again = later.freeze(kept, frozen)
        assert again.documents[document] == "train"
        new = example("new", document)
        assert make_split([*kept, new], groups, seed=8, frozen=again).assignments["new"] == "train"

    def test_a_new_question_across_frozen_splits_is_left_out(self, tmp_path: Path) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        train, test = self.documents(split, "train")[0], self.documents(split, "test")[0]
        later = make_split([*examples, example("new", train, test)], groups, seed=0, frozen=frozen)
        assert later.unassigned["new"] == "it asks across documents of test and train, which are frozen"
        assert "new" not in later.assignments
        assert later.fingerprint == split.fingerprint

    @pytest.mark.parametrize("kind", ["near-duplicate", "stated", "moved"])
    def test_what_ties_test_to_train_is_refused(self, tmp_path: Path, kind: str) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        train, test = self.documents(split, "train")[0], self.documents(split, "test")[0]
        if kind == "near-duplicate":
            groups[test] = groups[train]
        elif kind == "stated":
            examples.append(example("new", test, split="train"))
        else:
            examples = [replace(e, split="train") if test in e.document_ids else e for e in examples]
        with pytest.raises(LeakError, match="frozen in"):
            make_split(examples, groups, seed=0, frozen=frozen)

    @pytest.mark.parametrize("change", ["question", "answers", "document_ids", "gone"])
    def test_an_altered_test_set_is_refused(self, tmp_path: Path, change: str) -> None:
        examples, groups, split, frozen = self.start(tmp_path)
        tested = next(e for e in examples if split.assignments[e.id] == "test" and e.answerable)
        rest = [e for e in examples if e.id != tested.id]
        new = {"question": "Other?", "answers": ("other",), "document_ids": ("d0", *tested.document_ids)}
        altered = [] if change == "gone" else [replace(tested, **{change: new[change]})]
        with pytest.raises(MismatchError, match="--accept-test-changes") as error:
            make_split([*rest, *altered], groups, seed=0, frozen=frozen)
        assert error.value.exit_status == 3
        said = {"question": "has become 'Other?'", "gone": "is gone"}.get(change, "has other answers or document_ids")
        assert f"{tested.question!r} (id {tested.id!r}) {said}" in str(error.value)

    def test_a_changed_question_without_an_id_is_told_by_its_text_and_accepted_on_purpose(self) -> None:
        examples, groups = corpus(20)
        examples = [replace(e, id=question_id(e.question)) for e in examples]
        split = make_split(examples, groups, seed=0)
        frozen = split.freeze(examples)
        gone, edited, *_ = split.select(examples, "test")
        words = edited.question.replace("Question", "Which question")
        new = replace(edited, id=question_id(words), question=words, split=None, provenance="e.csv:9")
        now = [*(e for e in examples if e.id not in (gone.id, edited.id)), new]
        with pytest.raises(MismatchError) as error:
            make_split(now, groups, seed=0, frozen=frozen)
        lines = str(error.value).splitlines()[1:]
        assert any(line.startswith(f"  {gone.question!r} is gone") for line in lines)
        assert f"  {edited.question!r} is gone; {words!r} (e.csv:9) is new and like it" in lines
        assert not any(edited.id in line for line in lines)

        accepted = frozen.accepting(now)
        later = make_split(now, groups, seed=0, frozen=accepted, extend_test=True)
        tested = {e.id for e in later.select(now, "test")}
        assert tested == {*frozen.test, new.id} - {gone.id, edited.id}
        again = later.freeze(now, accepted)
        assert again.fingerprint != frozen.fingerprint
        assert again.changes(now) == []
        assert set(again.questions.values()) == {e.question for e in now if e.id in tested}
        kept = {key: name for key, name in split.assignments.items() if name != "test"}
        assert {key: later.assignments[key] for key in kept} == kept, "nothing else moves"

    def test_a_test_set_of_an_earlier_version_is_named_by_its_ids(self, tmp_path: Path) -> None:
        examples, _, split, _ = self.start(tmp_path)
        path = tmp_path / "split.json"
        row = json.loads(path.read_text())
        del row["questions"]
        path.write_text(json.dumps(row))
        tested = split.select(examples, "test")[0]
        with pytest.raises(MismatchError, match=f"{tested.id!r} is gone"):
            FrozenSplit.load(path).check([e for e in examples if e.id != tested.id])

    def test_links_found_by_retrieval_are_kept_and_no_part_of_the_fingerprint(self) -> None:
        examples, groups = corpus(8)
        weak = [replace(e, weak=True) for e in examples]
        split = make_split(weak, groups, seed=0)
        frozen = split.freeze(weak)
        assert frozen.links == {e.id: e.document_ids for e in weak}
        tested = split.select(weak, "test")[0]
        moved = [replace(e, document_ids=("new",)) if e.id == tested.id else e for e in weak]
        assert make_split(moved, {**groups, "new": "new"}, seed=0, frozen=frozen).fingerprint == split.fingerprint

    def test_a_damaged_file_is_told(self, tmp_path: Path) -> None:
        self.start(tmp_path)
        path = tmp_path / "split.json"
        row = json.loads(path.read_text())
        key = next(iter(row["test"]))
        path.write_text(json.dumps({**row, "test": {**row["test"], key: "0" * 64}}))
        with pytest.raises(MismatchError, match="was edited"):
            FrozenSplit.load(path)
        for data in (b"{", b"[]", b'{"seed": 1}', b"\xff"):
            path.write_bytes(data)
            with pytest.raises(StorageError, match="damaged"):
                FrozenSplit.load(path)


def test_fingerprint_depends_on_the_test_set_only() -> None:
    examples, groups = corpus(20)
    split = make_split(examples, groups, seed=0)
    stated = [replace(e, split=split.assignments[e.id]) for e in examples]
    test, train = (next(e for e in stated if e.split == name) for name in ("test", "train"))

    def fingerprint(changed: Example) -> str:
        return make_split([changed if e.id == changed.id else e for e in stated], groups, seed=0).fingerprint

    assert fingerprint(replace(train, answers=("other",))) == split.fingerprint
    assert fingerprint(replace(test, answers=("other",))) != split.fingerprint
    pairs = combinations([fingerprint(replace(test, answers=(a,))) for a in ("1", "2", "3")], 2)
    assert all(one != other for one, other in pairs)
