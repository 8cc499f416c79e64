"""The page of a search."""

import re

from training.tuning.page import render_tuning

TRIAL = {"number": 0, "value": 0.8, "settings": {"embedder.epochs": 1}, "ended early": False, "seconds": 3.0}


def test_trials_are_counted_and_commands_are_code() -> None:
    page = render_tuning(
        {
            "component": "embedder",
            "metric": "nDCG@10",
            "questions": 12,
            "best": TRIAL,
            "first": TRIAL,
            "trials": [TRIAL],
            "importance": {},
            "caution": "What it is worth, `lockstep retrain` measures.",
            "toml": "",
        }
    )
    assert "`" not in page
    assert re.findall(r'text-anchor="middle">([^<]*)<', page) == ["0", "1"], "there is no half a trial, nor one below 0"
