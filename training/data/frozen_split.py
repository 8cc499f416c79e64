"""The split of an earlier run as the workspace keeps it: above all its test set, which is not to change unseen."""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from retrieval.errors import MismatchError, StorageError
from retrieval.files import publish_json
from training.data.examples import Example, SplitName
from training.data.reading.faults import listed


@dataclass(frozen=True)
class FrozenSplit:
    """The split of an earlier run, kept in the workspace; above all its test set."""

    fingerprint: str
    """sha256 over the test examples."""
    assignments: Mapping[str, SplitName]
    """Example id to split."""
    documents: Mapping[str, SplitName]
    """Document id to split, of the documents with questions."""
    test: Mapping[str, str]
    """Test example id to the sha256 of its content."""
    links: Mapping[str, tuple[str, ...]]
    """Example id to document ids, where these were found by retrieval: for ``link_documents``."""
    questions: Mapping[str, str] = field(default_factory=dict)
    """Test example id to its question, to name it by; a split frozen by an earlier version has none."""

    def save(self, path: Path) -> None:
        """Publish as JSON, whole or not at all."""
        publish_json(path, asdict(self))

    @staticmethod
    def load(path: Path) -> "FrozenSplit":
        """Read what :meth:`save` wrote.

        Raises:
            StorageError: it is not what was written.
            MismatchError: the test set in it does not have the fingerprint in it.
        """
        try:
            frozen = TypeAdapter(FrozenSplit).validate_json(path.read_bytes())
        except ValidationError as error:
            raise StorageError(
                f"found {path} damaged, expected a frozen split: restore it from a backup, or delete it to start a new "
                "test set (results are then not comparable with earlier ones)"
            ) from error
        if test_fingerprint(frozen.test) != frozen.fingerprint:
            raise MismatchError(
                f"found a test set with the fingerprint {test_fingerprint(frozen.test)[:12]} in {path}, expected "
                f"{frozen.fingerprint[:12]}: the file was edited; restore it from a backup, or delete it to start a "
                "new test set"
            )
        return frozen

    def check(self, examples: Sequence[Example]) -> None:
        """Check that the test set is there as it was frozen.

        Raises:
            MismatchError: test examples are missing or changed, each named by its question.
        """
        if changes := self.changes(examples):
            raise MismatchError(
                f"found the test set altered, expected its {len(self.test)} questions as they were frozen (fingerprint "
                f"{self.fingerprint[:12]}): restore them; or, if the change is meant, give --accept-test-changes to "
                "`lockstep retrain` (`lockstep dataset` shows what it makes), after which figures are not comparable "
                f"with earlier ones:{listed(changes)}"
            )

    def changes(self, examples: Sequence[Example]) -> list[str]:
        """What differs from the frozen test set, in words."""
        present = {example.id: example for example in examples if example.id in self.test}
        unknown = {one.question: one for one in examples if one.id not in self.assignments}
        found = []
        for key in sorted(self.test, key=lambda key: self.questions.get(key, key)):
            asked = self.questions.get(key)
            name = repr(key) if asked is None else repr(asked) if key.startswith("q-") else f"{asked!r} (id {key!r})"
            if key not in present:
                near = difflib.get_close_matches(asked or "", unknown, n=1)
                hint = f"; {near[0]!r} ({unknown[near[0]].provenance}) is new and like it" if near else ""
                found.append(f"{name} is gone{hint}")
            elif content_hash(present[key]) != self.test[key]:
                now = present[key]
                what = "other answers or document_ids" if asked in (None, now.question) else f"become {now.question!r}"
                found.append(f"{name} has {what} ({now.provenance})")
        return found

    def accepting(self, examples: Sequence[Example]) -> "FrozenSplit":
        """The split with what is left of its test set as it is now; what is gone from it is forgotten."""
        test = {example.id: content_hash(example) for example in examples if example.id in self.test}
        gone = self.test.keys() - test.keys()
        return replace(
            self,
            fingerprint=test_fingerprint(test),
            assignments={key: name for key, name in self.assignments.items() if key not in gone},
            test=test,
            questions={key: text for key, text in self.questions.items() if key not in gone},
            links={key: found for key, found in self.links.items() if key not in gone},
        )


def content_hash(example: Example) -> str:
    """sha256 of what makes a test example; documents found by retrieval are no part of it."""
    documents = [] if example.weak else list(example.document_ids)
    content = [example.id, example.question, list(example.answers), documents]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def test_fingerprint(test: Mapping[str, str]) -> str:
    """sha256 over a test set: example id to the sha256 of its content."""
    return hashlib.sha256(json.dumps(sorted(test.items())).encode()).hexdigest()
