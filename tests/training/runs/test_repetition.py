"""How far seeds lie apart, in words."""

from training.runs.repetition import spread_in_words


def seed(number: int, ndcg: float, score: float, verdict: str) -> dict[str, object]:
    return {"seed": number, "test": {"ndcg@10": ndcg, "answer_score": score}, "verdict": verdict}


def test_the_spread_is_told_with_what_is_released() -> None:
    said = spread_in_words([seed(3, 0.62, 0.5, "kept"), seed(4, 0.6, 0.55, "kept"), seed(5, 0.64, 0.52, "kept")])
    assert "2 other seeds" in said[0]
    assert "nDCG@10 0.600 to 0.640 (0.620 with the released one)" in said[0]
    assert "answer score 0.500 to 0.550 (0.500 with the released one)" in said[0]
    assert said[1] == "By these figures each of the 3 seeds gives the same verdict, kept."


def test_a_verdict_that_hangs_on_the_seed_says_so() -> None:
    said = spread_in_words([seed(3, 0.62, 0.5, "promoted"), seed(4, 0.6, 0.5, "kept"), seed(5, 0.64, 0.5, "promoted")])
    assert said[1].startswith("The verdict hangs on the seed: promoted with 3 and 5, kept with 4.")
