"""One suite for every index: Edge, the client's own imitation of a server, and a server where there is one."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pytest

from retrieval.conditions import Combination, Comparison, Condition, equals
from retrieval.errors import InputError, MismatchError, NotFound, StorageError
from retrieval.index.base import Index, Point, Query, SparseVector
from retrieval.index.edge import open_edge
from retrieval.index.fusion import fuse
from retrieval.index.server import connect, open_server, set_alias
from tests.retrieval.index.points import DIMENSION, ENGLISH, ONE, OTHER, PETREL, dense, ids, point, unit

Opener = Callable[..., Index]
Fusion = Literal["rrf", "score"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


@pytest.fixture(params=["edge", "memory", "server"])
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same collection, again and again, on each backend."""
    opened: list[Index] = []
    if request.param == "edge":

        def opener(embedder: str = ONE, dimension: int = DIMENSION, create: bool = True) -> Index:
            for index in opened:
                index.close()
            opened.append(open_edge(tmp_path / "one", embedder=embedder, dimension=dimension, create=create))
            return opened[-1]

        yield opener
        for index in opened:
            index.close()
        return
    if request.param == "server" and "QDRANT_URL" not in os.environ:
        pytest.skip("no QDRANT_URL")
    client = connect(":memory:" if request.param == "memory" else os.environ["QDRANT_URL"])
    name = f"lockstep-test-{uuid.uuid4().hex}"
    yield lambda embedder=ONE, dimension=DIMENSION, create=True: open_server(
        client, name, embedder=embedder, dimension=dimension, create=create
    )
    client.delete_collection(name)
    client.close()


@pytest.fixture
def index(open_index: Opener) -> Index:
    return open_index()


def test_what_was_written_is_there(index: Index) -> None:
    assert index.upsert(iter(PETREL)) == 4
    assert index.count() == 4
    assert list(index.ids()) == [1, 2, 3, 4]
    found = index.vectors([2, 99])
    assert list(found) == [2]
    assert found[2] == pytest.approx(unit(1, 1, 0, 0))
    assert found[2].dtype == np.float32


def test_upsert_replaces_by_id(index: Index) -> None:
    index.upsert(PETREL)
    index.upsert([point(1, unit(0, 0, 0, 1), "snow", document_id="winter.md")])
    assert index.count() == 4
    assert ids(index.query(dense(unit(0, 0, 0, 1), limit=1))) == [1]
    assert index.query(Query(None, ENGLISH.encode_question("nine hours"))) == []
    assert ids(index.query(dense(unit(1, 0, 0, 0), condition=equals("document_id", "petrel.md")))) == [3]


def test_delete_ignores_what_is_not_there(index: Index) -> None:
    index.upsert(PETREL)
    index.delete([1, 3, 99])
    index.delete([])
    assert list(index.ids()) == [2, 4]
    assert ids(index.query(dense(unit(1, 0, 0, 0)))) == [2, 4]


def test_more_points_than_a_batch(index: Index) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((2500, DIMENSION)).astype(np.float32)
    assert index.upsert(Point(i, vector, SparseVector([], []), {}) for i, vector in enumerate(vectors)) == 2500
    assert index.count() == 2500
    assert not index.is_empty()
    assert list(index.ids()) == list(range(2500))
    index.delete(range(0, 2500, 2))
    assert index.count() == 1250
    index.flush()
    index.optimize()
    unit_vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    question = unit(1, 2, 3, 4)
    best = 1 + 2 * int((unit_vectors[1::2] @ question).argmax())
    assert ids(index.query(dense(question, limit=1))) == [best]


def test_dense_query_scores_by_cosine(index: Index) -> None:
    index.upsert(PETREL)
    hits = index.query(dense(unit(1, 0, 0, 0) * 3, limit=3))  # of any length
    assert ids(hits)[:2] == [1, 2]
    assert [hit.similarity for hit in hits] == pytest.approx([1, 0.5**0.5, 0], abs=1e-3)


def test_sparse_query_finds_words_and_knows_no_similarity(index: Index) -> None:
    index.upsert(PETREL)
    hits = index.query(Query(None, ENGLISH.encode_question("What is error E42?")))
    assert ids(hits) == [2]
    assert hits[0].similarity is None
    assert hits[0].score > 0


def test_a_question_without_words(index: Index) -> None:
    index.upsert(PETREL)
    assert index.query(Query(None, ENGLISH.encode_question("what is the?"))) == []
    for fusion in FUSIONS:
        hybrid = index.query(Query(unit(0, 1, 0, 0), ENGLISH.encode_question("what is the?"), limit=2, fusion=fusion))
        assert ids(hybrid) == [3, 2]


def test_hybrid_query_is_fused_by_reciprocal_rank(index: Index) -> None:
    """Dense ranks 1, 2, 3, 4; BM25 ranks 3 alone ("overnight"): 3 is fused to the top.

    The engine counts ranks from 0 and divides them by the weight: 1 / ((rank + 1) / weight + k - 1).
    """
    index.upsert(PETREL)
    for weight in (1.0, 3.0):
        query = Query(
            unit(1, 0.5, 0.1, 0), ENGLISH.encode_question("overnight"), sparse_weight=weight, limit=3, rrf_k=60
        )
        hits = index.query(query)
        assert ids(hits)[0] == 3
        expected = 1 / (3 + 60 - 1) + 1 / (1 / weight + 60 - 1)
        assert hits[0].score == pytest.approx(expected, rel=1e-4)
        by_id = {hit.id: hit for hit in hits}
        question = unit(1, 0.5, 0.1, 0)
        for id, hit in by_id.items():
            assert hit.similarity == pytest.approx(float(question @ PETREL[id - 1].dense), abs=1e-3)


def test_hybrid_query_is_fused_by_score(index: Index) -> None:
    """ "battery" finds 1 and 3 by words; 2 and 3 are the nearest: 3 is fused to the top."""
    index.upsert(PETREL)
    question, words = unit(0.6, 1, 0.1, 0), ENGLISH.encode_question("battery")
    cosines = {point.id: float(question @ point.dense) for point in PETREL}
    bm25 = {hit.id: hit.score for hit in index.query(Query(None, words))}
    assert bm25.keys() == {1, 3}
    found = index.query(Query(question, words, fusion="score", dense_weight=0.6, sparse_weight=1.4, candidates=3))
    low, high = cosines[1], cosines[2]  # 4 is not among the three nearest
    expected = {id: 0.3 * (cosines[id] - low) / (high - low) + 0.7 * bm25.get(id, 0) / bm25[3] for id in (1, 2, 3)}
    assert {hit.id: hit.score for hit in found} == pytest.approx(expected, abs=1e-3)
    assert ids(found) == sorted(expected, key=lambda id: -expected[id])
    assert ids(found)[0] == 3
    for hit in found:
        assert hit.similarity == pytest.approx(cosines[hit.id], abs=1e-3)


def test_fused_by_score_also_what_only_words_find_has_a_similarity(index: Index) -> None:
    index.upsert(PETREL)
    found = index.query(Query(unit(0, 0, 1, 0), ENGLISH.encode_question("overnight"), fusion="score", candidates=1))
    assert {hit.id: (hit.score, hit.similarity) for hit in found} == {
        4: (0.5, pytest.approx(1, abs=1e-3)),
        3: (0.5, pytest.approx(0, abs=1e-3)),
    }
    limited = Query(unit(0, 0, 1, 0), ENGLISH.encode_question("overnight"), fusion="score", candidates=2, limit=1)
    assert ids(index.query(limited)) == [4]


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, 0.7), (0.8, 0.2), (0.0, 1.0)])
def test_a_fusion_of_both_branches_is_what_the_index_finds(
    index: Index, fusion: Fusion, weights: tuple[float, float]
) -> None:
    rng = np.random.default_rng(5)
    words = np.array(["battery", "petrel", "error", "charge", "nine", "hours", "overnight", "winter", "heater"])
    # Each of another length, since what is equal by words may stand in any order.
    texts = [" ".join([*rng.choice(words, 6), *["filler"] * id]) for id in range(60)]
    index.upsert(point(id, unit(*rng.standard_normal(DIMENSION)), text, n=id % 2) for id, text in enumerate(texts))
    for asked in ("battery overnight", "heater winter error"):
        query = Query(
            unit(*rng.standard_normal(DIMENSION)),
            ENGLISH.encode_question(asked),
            limit=20,
            candidates=20,
            fusion=fusion,
            dense_weight=weights[0],
            sparse_weight=weights[1],
            rrf_k=5,
            condition=equals("n", 1),
        )
        alone = replace(query, sparse=None), replace(query, dense=None)
        branches = dict(zip(("dense", "sparse"), index.query_batch(alone), strict=True))
        expected = [hit for hit in fuse(query, **branches) if weights[0] or hit.id in ids(branches["sparse"])]
        found = index.query(query)
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected[:20]], rel=1e-4)
        by_id = {hit.id: hit.score for hit in expected}
        assert [hit.score for hit in found] == pytest.approx([by_id[hit.id] for hit in found], rel=1e-4)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_branch_of_weight_zero_is_left_out(index: Index, fusion: Fusion) -> None:
    index.upsert(PETREL)
    both = Query(unit(1, 0.5, 0.1, 0), ENGLISH.encode_question("overnight"), limit=4, fusion=fusion)
    assert ids(index.query(replace(both, sparse_weight=0))) == ids(index.query(replace(both, sparse=None)))
    assert ids(index.query(replace(both, dense_weight=0))) == [3]
    assert index.query(replace(both, dense_weight=0, sparse_weight=0)) == []


def test_candidates_bound_each_branch(index: Index) -> None:
    index.upsert(PETREL)
    query = Query(unit(1, 0.5, 0.1, 0), ENGLISH.encode_question("overnight"), candidates=1, limit=4)
    assert sorted(ids(index.query(query))) in ([1, 3], [2, 3])


def test_query_batch_answers_in_order(index: Index) -> None:
    index.upsert(PETREL)
    queries = [
        dense(unit(0, 0, 1, 0), limit=1),
        Query(None, ENGLISH.encode_question("what is the?")),
        Query(unit(1, 0, 0, 0), ENGLISH.encode_question("battery overnight"), limit=2),
        Query(unit(0, 0, 1, 0), ENGLISH.encode_question("battery overnight"), limit=2, fusion="score"),
        dense(unit(1, 0, 0, 0), limit=1, condition=equals("document_id", "errors.md")),
    ]
    assert index.query_batch(queries) == [index.query(query) for query in queries]
    assert [ids(hits)[:1] for hits in index.query_batch(queries)] == [[4], [], [1], [4], [2]]
    assert index.query_batch([]) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (equals("document_id", "petrel.md"), {1, 3}),
        (Comparison("ne", "document_id", "petrel.md"), {2, 4}),
        (Comparison("in", "document_id", ("petrel.md", "empty.md")), {1, 3, 4}),
        (Comparison("nin", "document_id", ("petrel.md", "empty.md")), {2}),
        (equals("store", "old"), {3}),
        (equals("year", 2023), {1}),
        (equals("year", 2025), {3}),
        (equals("year", "2023"), set()),
        (Comparison("in", "year", (2023, 2024.0)), {1, 2}),
        (Comparison("gt", "year", 2023), {2, 3}),
        (Comparison("gte", "year", 2024), {2, 3}),
        (Comparison("lt", "year", 2024), {1}),
        (Comparison("lte", "year", 2024), {1, 2}),
        (equals("beta", True), {1}),
        (equals("beta", False), {2}),
        (Comparison("ne", "beta", True), {2, 3, 4}),
        (equals("beta", 1), set()),
        (equals("missing field", "x"), set()),
        (Combination("and", (equals("document_id", "petrel.md"), Comparison("gt", "year", 2024))), {3}),
        (Combination("or", (equals("beta", True), Combination("and", (equals("store", "old"),)))), {1, 3}),
    ],
)
def test_conditions(index: Index, condition: Condition, expected: set[int]) -> None:
    index.upsert(PETREL)
    assert set(ids(index.query(dense(unit(1, 1, 1, 1), condition=condition)))) == expected
    for fusion in FUSIONS:
        hybrid = Query(
            unit(1, 1, 1, 1), ENGLISH.encode_question("battery petrel error"), condition=condition, fusion=fusion
        )
        assert set(ids(index.query(hybrid))) == expected


def test_a_dot_in_a_field_is_part_of_its_name(index: Index) -> None:
    index.upsert([Point(1, unit(1, 0, 0, 0), SparseVector([], []), {"front.matter": "yes"}), PETREL[1]])
    assert ids(index.query(dense(unit(1, 0, 0, 0), condition=equals("front.matter", "yes")))) == [1]
    with pytest.raises(InputError, match="without quotes"):
        index.query(dense(unit(1, 0, 0, 0), condition=equals('a"b', "yes")))


@pytest.mark.parametrize(
    "vector",
    [
        np.array([1, 0, np.nan, 0], dtype=np.float32),
        np.array([1, 0, 0, np.inf], dtype=np.float32),
        np.zeros(DIMENSION, dtype=np.float32),
        np.ones(DIMENSION + 1, dtype=np.float32),
        np.ones((1, DIMENSION), dtype=np.float32),
    ],
    ids=["nan", "infinite", "zero", "long", "deep"],
)
def test_a_vector_without_meaning_is_refused(index: Index, vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="point 7: found a"):
        index.upsert([PETREL[0], point(7, vector)])
    assert index.count() == 0
    with pytest.raises(ValueError, match="found a query vector"):
        index.query(dense(vector))


def test_a_collection_is_bound_to_its_embedder(open_index: Opener) -> None:
    open_index().upsert(PETREL)
    again = open_index(create=False)
    assert (again.embedder, again.dimension, again.count()) == (ONE, DIMENSION, 4)
    with pytest.raises(MismatchError, match="found embedder 111111111111, expected 222222222222"):
        open_index(embedder=OTHER)
    with pytest.raises(MismatchError, match="found dimension 4, expected 5"):
        open_index(dimension=5)
    assert open_index().count() == 4


def test_no_collection(open_index: Opener) -> None:
    with pytest.raises(NotFound, match="ingest documents first"):
        open_index(create=False)


def test_a_query_must_ask_for_something() -> None:
    with pytest.raises(ValueError, match="found neither"):
        Query(None, None)
    with pytest.raises(ValueError, match="found limit 0"):
        dense(unit(1, 0, 0, 0), limit=0)
    with pytest.raises(ValueError, match=r"weights -1, 1.0"):
        dense(unit(1, 0, 0, 0), dense_weight=-1)


@pytest.mark.parametrize("url", [":memory:", "server"])
def test_alias_moves_from_collection_to_collection(url: str) -> None:
    if url == "server" and "QDRANT_URL" not in os.environ:
        pytest.skip("no QDRANT_URL")
    client = connect(os.environ["QDRANT_URL"] if url == "server" else url)
    run = uuid.uuid4().hex
    old, new, alias = (f"lockstep-test-{run}-{name}" for name in ("old", "new", "active"))
    for name, points in ((old, PETREL[:1]), (new, PETREL)):
        open_server(client, name, embedder=ONE, dimension=DIMENSION, create=True).upsert(points)
    for name, count in ((old, 1), (new, 4), (new, 4), (old, 1)):
        set_alias(client, alias, name)
        assert client.count(alias).count == count
    with pytest.raises(NotFound, match="expected one to point"):
        set_alias(client, alias, "nothing")
    assert client.count(alias).count == 1
    for name in (old, new):
        client.delete_collection(name)
    client.close()


def test_server_that_does_not_answer() -> None:
    client = connect("http://127.0.0.1:9")
    with pytest.raises(StorageError, match="does not answer"):
        open_server(client, "one", embedder=ONE, dimension=DIMENSION, create=True)
    client.close()


def test_bm25_encodes_stems_without_stop_words() -> None:
    question = ENGLISH.encode_question("Which batteries are charging?")
    document = ENGLISH.encode_document("The battery charges. Battery!")
    assert set(question.indices) == set(document.indices)
    assert question.values == [1.0, 1.0]
    assert len(document.values) == 2
    assert max(document.values) < 2.2  # saturates at k + 1
    assert ENGLISH.encode_document("... the ...") == SparseVector([], [])
