"""The report: complete JSON, one self-contained page, user text escaped."""

import json
import math
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from training.evaluation.comparison import compare_arms
from training.evaluation.evaluate import ArmResult, Record
from training.evaluation.verdict import Check, Verdict
from training.report.build import (
    build_report,
    curves_from_events,
    flatten,
    render_report,
    write_report,
)
from training.scoring.answer_metrics import score_answer

SCRIPT = "<script>alert(1)</script>"
ABSTENTION = "I cannot find this in the documents."


def record(i: int, answer: str, references: tuple[str, ...] = ("42 mm",), ndcg: float | None = 0.5) -> Record:
    scores = score_answer(answer, references, abstained=answer == ABSTENTION)
    names = ("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10")
    return Record(
        id=f"q{i:03}",
        question=f"Question {i}?",
        group=f"g{i}",
        answers=references,
        document_ids=("a.md",),
        weak=i == 0,
        ranked=("a.md",),
        similarity=0.5,
        retrieval=None if ndcg is None else dict.fromkeys(names, ndcg),
        answer=answer,
        outcome=scores.outcome,
        exact_match=scores.exact_match,
        answer_score=scores.answer_score,
        f1=scores.f1,
        rouge_l=scores.rouge_l,
    )


def arm(name: str, *records: Record, embedder: bool = False, generator: bool = False) -> ArmResult:
    return ArmResult(name, embedder, generator, "r0002-ab", records)


BEFORE = arm(
    "untouched",
    *(record(i, "nine kg [1]") for i in range(10)),
    *(record(i, ABSTENTION, (), None) for i in range(10, 17)),
)
AFTER = arm(
    "both tuned",
    *(record(i, "42 mm [1]", ndcg=0.6 + i / 100) for i in range(10)),
    *(record(i, "made up [1]", (), None) for i in range(10, 17)),
    embedder=True,
    generator=True,
)
EVENTS = [
    {"stage": "embedder", "state": "started"},
    {"stage": "embedder", "step": 10, "steps": 20, "loss": 2.0},
    {"stage": "embedder", "step": 20, "steps": 20, "loss": 1.0, "learning_rate": 1e-5},
    {"stage": "embedder", "step": 20, "steps": 20, "eval_ndcg@10": 0.8, "eval_runtime": 3.0},
    {"stage": "generator", "step": 5, "eval_loss": 0.7},
    {"stage": "hardware", "cpu": 90.0},
]


def report(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "run": "20261121-010203-ab12",
        "release": "r0002-ab",
        "verdict": Verdict("promoted", ("nDCG@10 rose.",)),
        "arms": [BEFORE, AFTER],
        "baseline": "untouched",
        "chosen": "both tuned",
        "comparisons": {"both tuned": compare_arms(BEFORE, AFTER)},
        "references": [arm("BM25 alone", *BEFORE.records)],
        "validation": [AFTER],
        "curves": curves_from_events(EVENTS),
        "data": {"Split": {"train_questions": 120, "found": {"weak": 3}}},
        "settings": {"embedder": {"epochs": 2, "matryoshka": (384, 128), "dropout": None}},
        "fingerprints": {"embedder": "53aa51"},
        "checks": [Check("files intact", True, "41 files")],
        "created": datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC),
    }
    return build_report(**{**values, **changes})


class Page(HTMLParser):
    """Checks nesting and collects tags, attributes and text."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def test_the_page_is_drawn_from_the_json_file_alone(tmp_path: Path) -> None:
    value = report()
    write_report(tmp_path, value)
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == value
    assert (tmp_path / "report.html").read_text() == render_report(written)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json", "report.md"]


def test_the_page_says_what_matters() -> None:
    page = Page(render_report(report()))
    for text in (
        "Promoted",
        "nDCG@10 rose.",
        "both tuned",
        "r0002-ab",
        "21 November 2026, 01:02 UTC",
        "7 of 7",  # rightly refused by the untouched arm
        "0 of 7",
        "BM25 alone",
        "chosen on validation",
        "Embedder: nDCG@10 on validation",
        "train questions",
        "found: weak",
        "embedder.matryoshka",
        "53aa51",
        "files intact",
        "10 became right or are no longer made up, 7 are no longer right",
        "found by search",
    ):
        assert text in page.text, text


def test_what_the_verdict_calls_chance_is_better_nowhere_on_the_page() -> None:
    told = report()
    better = {one["metric"] for arm in told["arms"] for one in arm["comparisons"] if one["direction"] == "better"}
    assert better
    told["verdict"] |= {"outcome": "kept", "chance": sorted(better)}
    told["arms"] = [arm for arm in told["arms"] if arm["name"] in (told["baseline"], told["chosen"])]
    assert "better, n =" in Page(render_report({**told, "verdict": {**told["verdict"], "chance": []}})).text
    assert "better, n =" not in Page(render_report(told)).text


def test_the_page_says_what_became_of_the_errors_that_a_round_was_aimed_at() -> None:
    counts = {"before": 5, "after": 3, "difference": -0.1, "low": -0.2, "high": -0.01, "method": "BCa bootstrap"}
    found = {"systems": {"before": "untouched", "after": "both tuned"}, **counts, "all errors": counts}
    target = {"bucket": "wrong span", "run before": "20261120", "questions": 20, **found, "trained": found}
    page = Page(render_report({**report(), "target": target})).text
    for text in (
        "The kind of error that this round was aimed at",
        "the same 20 validation questions",
        "-0.200 to -0.010",
    ):
        assert text in page.replace("−", "-"), text
    assert "aimed at" not in Page(render_report({**report(), "target": {**target, "questions": 0}})).text


def test_the_first_screen_is_a_paragraph_and_figures_follow() -> None:
    page = Page(render_report(report())).text
    order = ["What was tried:", "What it brings:", "What to do:", "Search (nDCG@10)", "The reasons, with their figures"]
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    paragraph = page[places[0] : places[3]]
    assert not [word for word in ("nDCG", "interval", "bootstrap", "n =") if word in paragraph]


def test_every_mark_is_in_the_legend_and_none_means_two_things() -> None:
    html = render_report(report())
    legends = re.findall(r"▲ better</span>.*?▼ worse</span>.*?○ may be chance</span>.*?= the same on every", html)
    assert len(legends) == 2, "at the table and at the plot"
    unclear = [one for one in report()["arms"][1]["comparisons"] if one["direction"] == "unclear"]
    assert html.count("<circle r=") == len([one for one in unclear if one["method"] != "rule of three"])
    bars = html[html.index("What became of the questions") : html.index("What search alone reaches")]
    assert not set("●○▲▼✓✗") & set(bars), "the legend of the bars shows what the bars show"
    assert bars.count('class="swatch"') == 5


def test_what_is_the_same_on_every_question_has_no_interval_and_is_no_chance() -> None:
    again = arm("both tuned", *BEFORE.records, embedder=True, generator=True)
    html = render_report(report(arms=[BEFORE, again], comparisons={"both tuned": compare_arms(BEFORE, again)}))
    assert "= the same on every question" in html
    assert "may be chance, n =" not in html
    assert not re.search(r"−0\.\d+ to", html)
    assert "Search and answers did not change on any question." in html
    assert "Answers that changed" not in html


def test_independent_groups_are_explained_and_counted() -> None:
    text = Page(render_report(report())).text
    assert "Independent group" in text
    assert "Here 17 questions are 17 independent groups." in text


def test_a_long_word_does_not_squeeze_the_name_beside_it() -> None:
    html = render_report(report(data={"Split": {"fingerprint": "0f" * 32, "lengths": "[1, 2, 3]"}}))
    assert f'title="{"0f" * 32}">0f0f0f0f0f0f…<' in html
    assert "[1, 2, 3]" in html


def test_a_report_from_before_changes_were_counted_can_be_drawn() -> None:
    value = report()
    del value["answer_changes"]
    assert "Answers that changed" in render_report(value)


def test_the_page_shows_how_many_questions_each_headline_rests_on() -> None:
    value = report()
    html = render_report(value)
    compared = {one["n"] for arm in value["arms"] for one in arm["comparisons"]}
    tiles = re.findall(r'<li><div class="name">.*?</li>', html, re.DOTALL)
    assert compared
    assert tiles
    for tile in tiles:
        assert "not compared" in tile or any(f"n = {n}<" in tile for n in compared)


def test_the_page_needs_nothing_from_outside() -> None:
    html = render_report(report())
    page = Page(html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "base", "form"}
    for tag, attributes in page.tags:
        assert not attributes.keys() & {"src", "href", "xlink:href", "srcset", "action"}, tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"https?://|@import|url\((?!#hatch-)", html)
    assert any(a.get("http-equiv") == "Content-Security-Policy" for _, a in page.tags)


def test_figures_have_text_alternatives_and_tables_have_headings() -> None:
    page = Page(render_report(report()))
    images = [a for tag, a in page.tags if tag == "svg" and a.get("aria-hidden") != "true" and "viewbox" not in a]
    assert len(images) > 10
    assert all(a.get("role") == "img" and a.get("aria-label") for a in images)
    assert all(a.get("scope") in ("col", "row") for tag, a in page.tags if tag == "th")
    bars = [a["aria-label"] for a in images if str(a["aria-label"]).startswith("untouched")]
    assert bars == ["untouched: 7 rightly refused (41 %), 10 wrong (59 %)"]


def test_text_of_users_is_text() -> None:
    spoiled = [
        ArmResult(
            f"{one.name} {SCRIPT}",
            one.embedder_tuned,
            one.generator_tuned,
            one.release,
            tuple(
                Record(
                    **{
                        **vars(r),
                        "question": f'{SCRIPT}"><img src=x onerror=alert(1)>',
                        "answer": f"{r.answer} {SCRIPT} {{{{ 7 * 7 }}}}",
                        "answers": (*r.answers, SCRIPT) if r.answers else (),
                        "ranked": (f"{SCRIPT}.md",),
                    }
                )
                for r in one.records
            ),
        )
        for one in (BEFORE, AFTER)
    ]
    html = render_report(
        report(
            arms=spoiled,
            baseline=spoiled[0].name,
            chosen=spoiled[1].name,
            comparisons={spoiled[1].name: compare_arms(*spoiled)},
            references=[spoiled[0]],
            verdict=Verdict("kept", (SCRIPT,)),
            data={SCRIPT: {SCRIPT: SCRIPT}},
            settings={SCRIPT: SCRIPT},
            fingerprints={SCRIPT: SCRIPT},
            checks=[Check(SCRIPT, False, SCRIPT)],
            curves=[{"title": SCRIPT, "y": SCRIPT, "series": [{"label": SCRIPT, "points": [[0, 1.0]]}]}],
        )
    )
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert SCRIPT in page.text
    assert "{{ 7 * 7 }}" in page.text


@pytest.mark.parametrize("outcome", ["promoted", "kept", "rejected"])
def test_each_verdict_has_its_banner(outcome: str) -> None:
    html = render_report(report(verdict=Verdict(outcome, ())))  # type: ignore[arg-type]
    assert f'class="verdict {outcome}"' in html


def test_a_report_of_the_least_can_be_drawn() -> None:
    least = arm("untouched")
    value = build_report(
        run="x",
        release="y",
        verdict=Verdict("kept", ()),
        arms=[least],
        baseline="untouched",
        chosen="untouched",
        comparisons={},
    )
    page = Page(render_report(value))
    assert "Kept" in page.text
    assert "Training" not in page.text


def test_arms_without_a_generator_can_be_drawn() -> None:
    def search_only(one: ArmResult) -> ArmResult:
        bare = {"answer": None, "outcome": None, "answer_score": None, "exact_match": None, "f1": None, "rouge_l": None}
        return arm(one.name, *(Record(**{**vars(r), **bare}) for r in one.records), embedder=one.embedder_tuned)

    before, after = search_only(BEFORE), search_only(AFTER)
    value = report(arms=[before, after], comparisons={"both tuned": compare_arms(before, after)}, validation=[after])
    assert value["changed_answers"] == []
    assert "not compared" in Page(render_report(value)).text


def test_json_holds_no_infinity() -> None:
    curves = [{"title": "t", "y": "loss", "series": [{"label": "l", "points": [[0, math.inf], [1, 1.0]]}]}]
    value = report(curves=curves)
    assert value["curves"][0]["series"][0]["points"] == [[0, None], [1, 1.0]]
    json.dumps(value, allow_nan=False)
    render_report(value)


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema 99, expected 2"):
        render_report({**report(), "schema": 99})


def test_unknown_arms_are_refused() -> None:
    with pytest.raises(ValueError, match="no arm named"):
        report(chosen="embedder tuned")


def test_curves_hold_losses_and_measurements_only() -> None:
    curves = curves_from_events([*EVENTS, {"stage": "embedder", "step": 10, "loss": 1.8}])
    assert [(one["title"], [s["points"] for s in one["series"]]) for one in curves] == [
        ("Embedder: loss", [[[10, 1.8], [20, 1.0]]]),  # step 10 was repeated after a resume
        ("Embedder: nDCG@10 on validation", [[[20, 0.8]]]),
        ("Generator: loss", [[[5, 0.7]]]),
    ]


def test_settings_are_flat() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None}) == {"a.b": 1, "a.c.d": "[1, 2]", "e": None}
