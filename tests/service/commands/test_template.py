import tomllib

from service.commands.template import configuration_text
from service.settings import Settings


def test_the_file_is_valid_as_it_is():
    Settings(**tomllib.loads(configuration_text()))


def test_the_defaults_it_shows_are_the_defaults():
    lines = []
    for line in configuration_text().splitlines():
        name, found, value = line.removeprefix("# ").partition(" = ")
        is_default = line.startswith("# ") and found and name.isidentifier() and "(not set)" not in value
        lines.append(line.removeprefix("# ") if is_default else line)
    shown = tomllib.loads("\n".join(lines))
    assert shown["search"]["top_k"] == 10
    assert shown["search"]["fusion"] == "score"
    assert Settings(**shown) == Settings()


def test_every_setting_is_there_and_explained():
    text = configuration_text()
    for section, field in Settings.model_fields.items():
        assert f"[{section}]" in text
        for key in field.annotation.model_fields:
            assert f"# {key} = " in text or f"[{section}.{key}]" in text
    assert "Constant of reciprocal rank fusion" in text
