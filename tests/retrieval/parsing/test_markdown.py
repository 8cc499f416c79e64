"""Front matter, headings and shortcodes of Markdown."""

import time
from contextlib import suppress

import pytest

from retrieval.documents import Heading
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.markdown import parse_markdown


def test_front_matter_becomes_title_and_scalar_metadata() -> None:
    source = (
        '---\ntitle: "Pump: manual"\nweight: 30\ndraft: false\ndate: 2024-05-01\ntags: [a, b]\nbig: .inf\n---\n# Use\n'
    )
    document = parse_markdown("pump.md", source.encode())
    assert document.title == "Pump: manual"
    assert document.metadata == {"weight": 30, "draft": False, "date": "2024-05-01"}
    assert document.text == "# Use"
    assert document.headings == (Heading(1, "Use", 0),)


def test_toml_front_matter() -> None:
    document = parse_markdown("a.md", b"+++\ntitle = 'T'\nn = 1\n+++\ntext")
    assert (document.title, document.text, document.metadata) == ("T", "text", {"n": 1})


@pytest.mark.parametrize(
    "matter", ["a: [1", "a: b: c", "x: !!python/object/apply:os.system ['true']", "a: &x 1\nb: *x", "a: " + "[" * 100]
)
def test_front_matter_that_cannot_be_read_stays_in_the_text(matter: str) -> None:
    with pytest.warns(DocumentWarning, match="found front matter that cannot be read"):
        document = parse_markdown("a.md", f"---\n{matter}\n---\nbody".encode())
    assert matter in document.text
    assert document.text.endswith("body")
    assert document.metadata == {}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("---\n- a\n- list\n---\nbody", "- a\n- list\n\nbody"),
        ("---\nwords between rules\n---\nbody", "## words between rules\n\nbody"),  # a rule, then a heading
    ],
)
def test_text_between_rules_is_no_front_matter(text: str, read: str) -> None:
    document = parse_markdown("a.md", text.encode())
    assert (document.text, document.metadata) == (read, {})


def test_empty_front_matter_and_a_rule_at_the_top() -> None:
    assert parse_markdown("a.md", b"---\n---\nbody").text == "body"
    assert parse_markdown("a.md", b"---\n\nno end of it").text == "no end of it"


def test_a_page_of_front_matter_only_says_what_it_describes() -> None:
    document = parse_markdown("_index.md", b'---\ntitle: "Azure"\ndescription: "Using Azure services"\n---\n')
    assert (document.title, document.text) == ("Azure", "Using Azure services")


def read(source: str) -> str:
    return parse_markdown("a.md", source.encode()).text


def headings(source: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in parse_markdown("a.md", source.encode()).headings]


def test_headings_carry_their_level_text_and_offset() -> None:
    source = "# One\n\npara\n\n## Two `code` [link](x.md) ##\n\nThree\n=====\n\nFour\n----\n###### Six {#six}\n#tag\n"
    document = parse_markdown("a.md", source.encode())
    expected = [(1, "One"), (2, "Two `code` link"), (1, "Three"), (2, "Four"), (6, "Six")]
    assert [(h.level, h.text) for h in document.headings] == expected
    for heading in document.headings:
        assert document.text.startswith(f"{'#' * heading.level} {heading.text}\n", heading.start)


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_fenced_code_has_no_headings(fence: str) -> None:
    assert headings(f"# Real\n{fence}bash\n# a comment\n## another\n{fence}\n# After\n") == [(1, "Real"), (1, "After")]


def test_a_shorter_or_other_fence_does_not_close() -> None:
    assert headings("````\n```\n# no\n~~~\n````\n# yes\n") == [(1, "yes")]


def test_a_rule_or_table_is_no_heading() -> None:
    assert headings("a | b\n--- | ---\n1 | 2\n\ntwo\nlines\n-----\n\n---\n\n- item\n---\n") == []


def test_shortcodes_are_dropped_and_their_content_kept() -> None:
    source = (
        'Intro.\n\n{{< tabs Java "C++">}}\n\n{{% codetab %}}\nuse it\n{{% /codetab %}}\n{{< /tabs >}}\n'
        'See [the guide]({{< ref "guide.md#x" >}}) and {{< button text="go" >}}.\n'
        "Helm: {{ .Values.x }}, literal {{</* tabs */>}}\n"
    )
    assert read(source) == (
        "Intro.\n\nJava:\n\nuse it\n\nSee the guide and go.\nHelm: {{ .Values.x }}, literal {{</* tabs */>}}"
    )


def test_rows_carry_the_names_of_their_columns() -> None:
    source = f"| Part | **Price** |\n|{'-' * 100}|:---:|\n| Pump | 42 |\n| `a` | |\n\n| | b |\n|-|-|\n| 1 | 2 |\n"
    assert read(source) == "Part: Pump; Price: 42\nPart: `a`\n\n1; b: 2"


def test_signs_of_yes_and_no_in_a_table_are_words() -> None:
    rows = "| A | B | C | D | E |\n|-|-|-|-|-|\n| :white_check_mark: | ✅ | :x: | :material-check-all: | ❌ |\n"
    assert read(rows) == "A: yes; B: yes; C: no; D: yes; E: no"


def test_the_title_falls_back_to_the_first_top_heading() -> None:
    assert parse_markdown("a.md", b"## Small\n# Big\n").title == "Big"


@pytest.mark.parametrize(
    "unit",
    ["{{< ", "[", "```\n", "a\n---\n", "# x\n", "|-", "---\n", "*_`", "[a](", "\n\n", "{{%", " ", "<A a={", "{.a",
     "import ", "![", "$a", "!!! a\n", "{a=", "<!--", "<div>\n", "<sup>", "- - ", "[^a]: b\n", "[][", "\t"],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        data = (unit * (size // len(unit))).encode()
        started = time.process_time()
        with suppress(InputError):
            parse_markdown("a.md", data)
        return time.process_time() - started

    assert seconds(32_000) < 8 * seconds(8_000) + 2


def test_a_setting_of_a_fence_is_no_language() -> None:
    assert parse_markdown("a.md", b'``` hl_lines="4"\nx\n```').text == "```\nx\n```"
