"""What is searched holds what is configured, and what is found goes back into the file."""

import tomllib

import pytest

from retrieval.errors import ConfigurationError
from service.commands.template import configuration_text
from service.settings import Settings
from training.settings import EmbedderTraining, GeneratorTraining, TrainingSettings
from training.tuning.configuration import as_toml, with_changes
from training.tuning.space import Choice, Range, applied, changes, configured, space_around


def test_the_space_holds_what_is_configured() -> None:
    training = TrainingSettings(embedder=EmbedderTraining(learning_rate=1e-6, lora_rank=5, dropout=None))
    space = space_around("embedder", training)
    assert space["embedder.learning_rate"] == Range(1e-6, 5e-4, log=True)
    assert space["embedder.lora_rank"] == Choice((None, 8, 32, 5))
    assert "embedder.dropout" not in space  # the model's own stays
    assert configured("embedder", training)["embedder.lora_rank"] == 5


def test_alpha_keeps_its_ratio_to_the_rank() -> None:
    training = TrainingSettings(generator=GeneratorTraining(rank=4, alpha=8))
    assert applied(training, {"generator.rank": 32}).generator.alpha == 64
    assert changes(training, {"generator.rank": 32, "data.passages": 3}) == {
        "training.generator": {"rank": 32, "alpha": 64},
        "training.data": {"passages": 3},
    }


CHANGES = {"training.embedder": {"learning_rate": 0.000123456, "lora_rank": None}, "training.data": {"negatives": 2}}


def test_what_is_pasted_is_toml() -> None:
    text = as_toml(CHANGES)
    assert "# no lora_rank" in text
    assert tomllib.loads(text)["training"] == {"embedder": {"learning_rate": 0.000123}, "data": {"negatives": 2}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[training]\nseed = 3  # mine\n",
        '# ours\n[training.embedder]\n# slow\nlora_rank = 8\nepochs = 2\n[prompt]\nsystem = "S"\n',
        configuration_text(),
    ],
)
def test_the_file_keeps_all_else(text: str) -> None:
    changed = with_changes(text, CHANGES)
    before, after = (Settings(**tomllib.loads(one)).model_dump() for one in (text, changed))
    assert after["training"]["embedder"]["learning_rate"] == 0.000123
    assert after["training"]["embedder"]["lora_rank"] is None
    assert after["training"]["data"]["negatives"] == 2
    for section, key in (("embedder", "learning_rate"), ("embedder", "lora_rank"), ("data", "negatives")):
        before["training"][section][key] = after["training"][section][key]
    assert before == after
    lines = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in changed.splitlines() if line.startswith("#")] == lines
    assert "# mine" in changed or "# mine" not in text


def test_a_file_that_cannot_be_added_to_is_left_to_the_reader() -> None:
    with pytest.raises(ConfigurationError, match="by hand"):
        with_changes("training = 3\n", CHANGES)
