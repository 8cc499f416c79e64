"""Tasks as files, every fault with its line."""

from pathlib import Path

import pytest

from retrieval.errors import ConfigurationError
from training.tasks.files import find_task, load_conversion, load_task, load_tasks

GOOD = """\
kind = "classification"
instruction = "Answer with one of: yes, no."
labels = ["yes", "no"]

[convert]
question = "Is {title} right?"
answers = "verdict"

[convert.labels]
1 = "yes"
"""


def write(directory: Path, content: str, name: str = "stance") -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / f"{name}.toml"
    file.write_text(content)
    return file


def test_a_file_is_a_task_and_how_its_examples_are_made(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    assert load_task(file).labels == ("yes", "no")
    assert load_conversion(file).labels == {"1": "yes"}
    assert list(load_tasks(tmp_path)) == ["stance"]
    assert load_tasks(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            GOOD.replace("labels = [", "lables = ["),
            r"stance.toml, line 3: found unknown key `lables` \(did you mean `l",
        ),
        (GOOD.replace('"classification"', '"classify"'), r"line 1: found kind = 'classify', expected 'question a"),
        (
            GOOD.replace('["yes", "no"]', '"yes"'),
            r"line 3: found labels = 'yes', expected a list, such as \[\"a\", \"b",
        ),
        (GOOD.replace('["yes", "no"]', '["yes"]'), "stance.toml: found `labels` .*at least 2"),
        (GOOD.replace('kind = "classification"\n', ""), "found no `kind`"),
        (GOOD.replace("labels", "labels ="), "not TOML.*line 3"),
    ],
)
def test_a_fault_of_a_task_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_task(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD.partition("[convert]")[0], r"found no \[convert\] table"),
        (GOOD.replace("answers = ", "anwsers = "), "line 7: found unknown key `anwsers`"),
        (GOOD.replace('question = "Is {title} right?"\n', ""), "line 5: found no `question`"),
        (GOOD.replace("{title}", "{title"), "line 6|columns in braces"),
    ],
)
def test_a_fault_of_a_conversion_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_conversion(write(tmp_path, content))


def test_a_file_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No such file or directory\), expected a TOML file: check the path"):
        load_task(tmp_path / "absent.toml")


def test_a_name_that_no_client_could_ask_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="rename the file"):
        load_tasks(write(tmp_path, GOOD, "my stance").parent)


def test_an_unknown_task_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    tasks = load_tasks(write(tmp_path, GOOD).parent)
    with pytest.raises(
        ConfigurationError, match=r"'stanse' \(did you mean 'stance'\?\) in release r1, expected one of"
    ):
        find_task("stanse", tasks, "release r1")
    with pytest.raises(ConfigurationError, match=r"tasks/NAME.toml"):
        find_task("stance", {}, "release r1")
