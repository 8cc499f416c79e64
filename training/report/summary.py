"""The report's first paragraph: what was tried, what it brings, what to do.

Written for somebody who reads no metrics, from the report's JSON value alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.comparison import LABELS
from training.evaluation.verdict import CHEAPER, PRIMARY, SMALL_SAMPLE
from training.report.compared import comparisons

HEADLINES = {
    "promoted": "The new release is better: use it",
    "kept": "No proven gain: stay with the present release",
    "rejected": "The new release is not fit: do not use it",
}
_PARTS = {
    "embedder": "the model that searches (embedder)",
    "reranker": "the model that reorders what is found (reranker)",
    "generator": "the model that answers (generator)",
}
_SUBJECTS = {"ndcg@10": "search", "answer_score": "answers"}


@dataclass(frozen=True)
class Summary:
    """A headline, and three parts of one paragraph. Commands stand in backticks."""

    headline: str
    tried: str
    brings: str
    to_do: str


def summary(report: Mapping[str, Any]) -> Summary:
    """The first paragraph of a report."""
    arms = {arm["name"]: arm for arm in report["arms"]}
    baseline, chosen = arms[report["baseline"]], arms[report["chosen"]]
    compared = comparisons(report).get(chosen["name"], {})
    outcome = report["verdict"]["outcome"]
    headline = HEADLINES[outcome]
    if outcome == "kept" and _better(compared):
        headline = "A gain at too high a price: stay with the present release"
    return Summary(headline, _tried(chosen), _brings(baseline, chosen, compared), _to_do(report, compared))


def _tried(chosen: Mapping[str, Any]) -> str:
    parts = [words for part, words in _PARTS.items() if chosen.get(f"{part}_tuned")]
    on = f"{chosen['metrics']['questions']} test questions"
    if not parts:
        what = "another prompt and other search settings" if chosen.get("prompt_changed") else "other search settings"
        return (
            f"Nothing is trained in it: {what}, chosen on other questions, were compared with what answers today on "
            f"{on}."
        )
    said = _listed(parts)
    return (
        f"{said[0].upper()}{said[1:]} {'was' if len(parts) == 1 else 'were'} trained on your documents, and compared "
        f"with what answers today on {on} about documents kept out of the training."
    )


def _brings(baseline: Mapping[str, Any], chosen: Mapping[str, Any], compared: Mapping[str, Any]) -> str:
    before, after = baseline["metrics"]["outcomes"], chosen["metrics"]["outcomes"]
    right = f"{after['correct']} rightly (before: {before['correct']})"
    answerable = after["correct"] + after["skipped"] + after["wrong"]
    unanswerable = after["hallucinated"] + after["correctly_abstained"]
    said = []
    if answerable:
        s = "s" * (answerable != 1)
        said.append(f"Of {answerable} question{s} that the documents answer, it answers {right}.")
    if unanswerable:
        said.append(
            f"{'Of' if not said else 'Of the'} {unanswerable} that they do not answer, it makes something up for "
            f"{after['hallucinated']} (before: {before['hallucinated']})."
        )
    primary = [compared[metric] for metric in PRIMARY if metric in compared]
    if not primary:
        return " ".join([*said, "The two could not be compared."])
    if not said:
        ranking = compared["ndcg@10"]
        said.append(
            f"Its search results are worth {ranking['candidate']:.2f} of 1 (before: {ranking['baseline']:.2f})."
        )
    said.append(_beyond_chance(primary))
    if min(one["n"] for one in primary) < SMALL_SAMPLE:
        said.append("With so few questions only a large change can be told from chance.")
    return " ".join(said)


def _beyond_chance(primary: Sequence[Mapping[str, Any]]) -> str:
    subjects: dict[str, list[str]] = {}
    for one in primary:
        way = "same" if one["method"] == "rule of three" else one["direction"]
        subjects.setdefault(way, []).append(_SUBJECTS[one["metric"]])
    said = {
        "better": "{} improved by more than chance explains",
        "worse": "{} got worse by more than chance explains",
        "unclear": "the change in {} may be chance",
        "same": "{} did not change on any question",
    }
    text = "; ".join(words.format(_listed(subjects[way])) for way, words in said.items() if way in subjects)
    return f"{text[0].upper()}{text[1:]}."


def _to_do(report: Mapping[str, Any], compared: Mapping[str, Any]) -> str:
    release, verdict = report["release"], report["verdict"]
    stays = "Nothing. The release that answers today goes on answering, and this one stays on disk."
    if verdict["outcome"] == "promoted":
        cheaper = [reason.partition(CHEAPER)[0] for reason in verdict["reasons"] if CHEAPER in reason]
        return (
            f"Use release `{release}`. It answers from now on or, where the run was told not to promote it, after "
            f"`lockstep releases promote {release}`. `lockstep releases rollback` goes back."
            + (f" Without training, this may do as well: {cheaper[0][0].lower()}{cheaper[0][1:]}." if cheaper else "")
        )
    if verdict["outcome"] == "rejected":
        failed = [check["name"] for check in report["checks"] if not check["passed"]]
        if failed:
            return f"{stays} Mend what the failed check names ({', '.join(failed)}), and train again."
        return f"{stays} The answers that changed, below, show where it went wrong."
    if _better(compared):
        more = compared.get("hallucinated", {}).get("direction") == "worse"
        price = "makes up more answers" if more else "refuses more questions that the documents answer"
        inferior = [one["label"] for one in verdict.get("secondary", ()) if one["standing"] == "inferior"]
        if inferior and not more and inferior != [LABELS["skipped"]]:
            price = f"costs too much elsewhere ({_listed(inferior)})"
        return f"{stays} The gain is not taken because it {price}."
    return f"{stays} More test questions can show a smaller gain; more or better examples to train on can bring one."


def _better(compared: Mapping[str, Any]) -> bool:
    return any(compared[metric]["direction"] == "better" for metric in PRIMARY if metric in compared)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
