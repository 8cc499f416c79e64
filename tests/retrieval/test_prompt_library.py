"""The prompts that can be tried."""

from pathlib import Path

import pytest

from retrieval.errors import ConfigurationError
from retrieval.prompt import Demonstration, Prompt, ShownExcerpt, render
from retrieval.prompt_library import SHIPPED, load_prompt, prompt_library

GOOD = 'system = "Answer, or say: {abstention}"\nuser = """\n{passages}\n\n{question}"""\n'


def write(directory: Path, content: str, name: str = "mine") -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / f"{name}.toml"
    file.write_text(content)
    return file


def test_every_shipped_prompt_renders_all_that_it_is_given(tmp_path: Path) -> None:
    assert len(list(SHIPPED.glob("*.toml"))) == 6
    worked = Demonstration("How wide?", (ShownExcerpt("Manual", "It is 9 mm wide."),), "9 mm [1]")
    for name in prompt_library(tmp_path):
        prompt = load_prompt(name, tmp_path, abstention="Not there.")
        system, user = (message["content"] for message in render("How deep?", [], prompt, [worked]))
        assert "Not there." in system
        assert "How deep?" in user
        assert "It is 9 mm wide." in user
        assert user.index("9 mm [1]") < user.rindex("How deep?")
        assert "{" not in system + user


def test_a_prompt_of_the_workspace_is_found_and_wins(tmp_path: Path) -> None:
    write(tmp_path / "prompts", GOOD)
    write(tmp_path / "prompts", GOOD, "short")
    assert list(prompt_library(tmp_path / "prompts"))[-1] == "mine"
    for name in ("mine", "short"):
        prompt = load_prompt(name, tmp_path / "prompts")
        assert (prompt.name, prompt.user) == (name, "{passages}\n\n{question}")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD + 'sytem = "x"\n', r"mine.toml, line 6: found unknown key `sytem` \(did you mean `system`\?\)"),
        (GOOD.replace("{passages}", "{pasages}"), r"line 3: found the placeholder \{pasages\}.*mean \{passages\}"),
        (GOOD.replace("{abstention}", "{question}"), r"line 1: found the placeholder \{question\} in `system`"),
        ('user = "{question}"\n', r"line 1: user: .*no \{passages\}"),
        (GOOD + "max_passages = 0\n", "line 6: found max_passages = 0"),
        ('system = "a\n', "not TOML.*line 1"),
        ("system = 3\n", "line 1: found system = 3"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    write(tmp_path, content)
    with pytest.raises(ConfigurationError, match=told):
        load_prompt("mine", tmp_path)


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b'system = "x"\nuser = "\xff"\n')
    with pytest.raises(ConfigurationError, match=r"line 2: found bytes that are not UTF-8"):
        load_prompt("mine", tmp_path)


def test_an_unknown_prompt_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no prompt 'shrt' \(did you mean 'short'\?\)"):
        load_prompt("shrt", tmp_path)


def test_braces_that_are_no_placeholder_are_text(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("Answer,", """Reply {\\"a\\": 1},"""))
    assert render("Q?", [], load_prompt("mine", tmp_path))[0]["content"].startswith('Reply {"a": 1}, or say: ')


def test_the_default_is_the_class_itself(tmp_path: Path) -> None:
    assert load_prompt("default", tmp_path) == Prompt()


def test_a_template_s_own_abstention_wins_over_the_one_that_is_served(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD + 'abstention = "Own."\n', "own")
    assert [load_prompt(name, tmp_path, abstention="Served.").abstention for name in ("mine", "own")] == [
        "Served.",
        "Own.",
    ]
