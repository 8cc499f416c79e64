"""What the starter's card is measured on."""

import pytest

from retrieval.prompt import Prompt, is_abstention
from training.starter.card import WRITTEN, written_episodes


@pytest.mark.parametrize("file", WRITTEN.values())
def test_an_answer_written_by_hand_stands_in_its_passage_only(file):
    episodes = written_episodes(file)
    assert len(episodes) == 60
    absent = [episode for episode in episodes if episode.value is None]
    assert len(absent) == 15
    assert all(is_abstention(episode.completion, Prompt()) for episode in absent)
    for episode in episodes:
        assert len(episode.passages) == 4
        if episode.value is not None:
            holding = [n for n, one in enumerate(episode.passages, start=1) if episode.value in one.text]
            assert episode.completion == f"{episode.value} [{holding[0]}]"
            assert len(holding) == 1
