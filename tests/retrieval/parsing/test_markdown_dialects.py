"""What generators of documentation add to Markdown becomes clean text, and code stays as it is."""

import pytest

from retrieval.parsing.markdown import parse_markdown


def read(source: str) -> str:
    return parse_markdown("a.md", source.encode()).text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('!!! tip "Use **it**"\n    Body.\n\n    More.\n\nAfter.', "Tip: Use it\n\nBody.\n\nMore.\n\nAfter."),
        ("!!! note\n    One.\n\n    !!! warning inline end\n        Two.\n    Three.\n",
         "Note:\n\nOne.\n\nWarning:\n\nTwo.\n\nThree."),
        ('??? custom "How to"\n\tBody.\n', "How to:\n\nBody."),
        ('1. step\n\n    !!! note\n        inside\n\n2. next', "1. step\n  Note:\n  inside\n2. next"),
        ("/// tip | Title\n    open: true\nBody.\n///\nAfter.", "Tip: Title\n\nBody.\n\nAfter."),
        (":::tip[Title]\nBody.\n:::\nAfter.", "Tip: Title\n\nBody.\n\nAfter."),
        ("::: warning Be careful\nBody.\n:::", "Warning: Be careful\n\nBody."),
        (":::{note}\n:class: dropdown\nBody.\n:::", "Note:\n\nBody."),
        ("> [!NOTE]\n> One.\n> Two.", "Note:\n\nOne.\nTwo."),
        ("> [!tip]- Folded\n> One.", "Tip: Folded\n\nOne."),
        ("```{warning} Hot\n:class: x\nDo **not** touch.\n```", "Warning: Hot\n\nDo not touch."),
        ('{{% alert title="Note" color="primary" %}}\nBody.\n{{% /alert %}}', "Note:\n\nBody."),
        ('{% hint style="info" %}\nBody.\n{% endhint %}', "Info:\n\nBody."),
        ("<Note>\n\nBody.\n\n</Note>", "Note:\n\nBody."),
    ],
)  # fmt: skip
def test_notes_keep_their_kind_title_and_body(source: str, text: str) -> None:
    assert read(source) == text


@pytest.mark.parametrize(
    "source",
    [
        '=== "Linux"\n\n    Use **apt**.\n\n=== "Mac"\n\n    Use brew.\n',
        '<Tabs groupId="os">\n<TabItem value="l" label="Linux">\n\nUse apt.\n\n</TabItem>\n'
        '<TabItem value="Mac">\n\nUse brew.\n\n</TabItem>\n</Tabs>',
        '{{< tabs "Linux" "Mac" >}}\n{{% codetab %}}\nUse apt.\n{{% /codetab %}}\n{{% codetab %}}\nUse brew.\n'
        "{{% /codetab %}}\n{{< /tabs >}}",
        '{{< tab name="Linux" >}}\nUse apt.\n{{< /tab >}}\n{{< tab "Mac" >}}\nUse brew.\n{{< /tab >}}',
        '{% tabs %}\n{% tab title="Linux" %}\nUse apt.\n{% endtab %}\n{% tab title="Mac" %}\nUse brew.\n{% endtab %}',
        "/// tab | Linux\nUse apt.\n///\n/// tab | Mac\nUse brew.\n///",
    ],
)
def test_tabs_keep_their_titles(source: str) -> None:
    assert read(source) == "Linux:\n\nUse apt.\n\nMac:\n\nUse brew."


@pytest.mark.parametrize(
    "source",
    [
        'One.\n\n--8<-- "part.md"\n\nTwo.',
        "One.\n\n--8<--\na.md\nb.md\n--8<--\n\nTwo.",
        'One.\n\n{% include "part.md" %}\n\nTwo.',
        "One.\n\n{!part.md!}\n\nTwo.",
        "One.\n\n<<< @/snippets/x.js\n\nTwo.",
        "One.\n\n```python\n--8<-- 'x.py'\n```\n\nTwo.",
        "One.\n\n::: package.module.Class\n    options:\n      show: true\n\nTwo.",
        "One.\n<!-- gone\n\n```\nstill gone -->\n\nTwo.",
        "One.\n\n{/* gone */}\n\nTwo.",
        "import A from '@theme/A';\nimport {\n  B,\n} from 'b';\nexport const c = {\n  d: 1,\n};\n\nOne.\n\nTwo.",
        "[TOC]\n\nOne.\n{: .lead }\n\n{#there .x}\n\nTwo.",
        "(target)=\nOne.\n\n<a name='x'></a>\n\n<div class='grid' markdown>\n\nTwo.\n\n</div>",
        "[![Build](https://img.shields.io/x.svg)](https://ci)\n\nOne.\n\n---\n\nTwo.",
    ],
)
def test_what_is_for_the_generator_only_is_dropped(source: str) -> None:
    assert read(source) == "One.\n\nTwo."


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("# Use it {#use .x}", "# Use it"),
        ("See [the guide](../guide.md){target=_blank} and [here](#top).", "See the guide and here."),
        ("See [the site](https://a.example/x).", "See the site (https://a.example/x)."),
        ("See [a.example/x](https://a.example/x) and <https://b.example>.", "See a.example/x and https://b.example."),
        ("See [it][r] and [`Class`][mod.Class].\n\n[r]: https://a.example", "See it (https://a.example) and `Class`."),
        ("![A pump](pump.png) and <img src='x' alt='a valve'>", "A pump and a valve"),
        ("10<sup>6</sup> H<sub>2</sub>O<br>next", "10^6 H2O\nnext"),
        ("<kbd>Ctrl</kbd>+<b>C</b>, ~~old~~ <del>older</del> new &amp; snake_case",
         "Ctrl+C,  new & snake_case"),
        ("Give <NAME> or <your-key>, not <span>x</span>.", "Give <NAME> or <your-key>, not x."),
        (":material-check: ++ctrl+c++ ==marked==", "ctrl+c marked"),
        ("Costs $5 or $10; $a_i * b_i$ holds.", "Costs $5 or $10; $a_i * b_i$ holds."),
        ("Runs.[^1]\n\n[^1]: Not **dry**.\n", "Runs.\n\nNote: Not dry."),
        ("Pump\n:   Moves water.\n", "Pump: Moves water."),
        ("* a\n    * b\n      goes on\n* c\n\n3. d", "- a\n  - b goes on\n- c\n3. d"),
        ('<Card title="Install" href="/x">\nIn a minute.\n</Card>', "Install:\n\nIn a minute."),
        ('<Steps\n  a={{ b: 1 }}\n  title="Go"\n>\n\nText\n\n</Steps>', "Go:\n\nText"),
        ("A {{< glossary_tooltip text=\"Pod\" term_id=\"pod\" >}} runs.", "A Pod runs."),
        ("<figure markdown>\n    ![A **pump**](x.png){ loading=lazy }\n</figure>", "A pump"),
        ('Is [on]({{< ref\n"a.md" >}}), now.', "Is on, now."),
        ("| A |\n|-|\n| <ul><li>one</li><li>two</li></ul> |", "A: one two"),
        ("Call `#!python import os` in `#!/bin/sh`.", "Call `import os` in `#!/bin/sh`."),
        ("{ref}`the guide <guide>` and {doc}`x`", "`the guide` and `x`"),
        ("<details>\n<summary>Why?</summary>\n\nBecause.\n\n</details>", "Why?\n\nBecause."),
    ],
)  # fmt: skip
def test_inline_marks_become_text(source: str, text: str) -> None:
    assert read(source).replace("  ", " ") == text.replace("  ", " ")


def test_tables_in_html_are_read_as_tables() -> None:
    source = (
        "<table>\n<tr><th>Part</th><th>Price</th></tr>\n\n<tr><td>Pump</td>\n  {/* x */}\n<td>42</td></tr>\n</table>"
    )
    assert read(source + "\n\nAfter.") == "Part: Pump; Price: 42\n\nAfter."


@pytest.mark.parametrize(
    "code",
    [
        "!!! note\n    x {.y} <!-- z -->",
        "import x from 'y'\nexport const a = 1",
        "{{< tabs >}} {% include 'x' %}\n=== \"Tab\"",
        "# no heading\n\n\n| a | b |\n|---|---|",
        "<Tabs>\n  **bold** 10<sup>6</sup> &amp; [a](b)",
        "\tkey:\tvalue  \n    indented",
        "/// tip\n::: x\n> [!NOTE]\n--8<-- 'a'\nx",
    ],
)
def test_code_is_never_altered(code: str) -> None:
    assert read(f"Before.\n\n```yaml\n{code}\n```\n\nAfter.") == f"Before.\n\n```yaml\n{code}\n```\n\nAfter."
    indented = "\n".join(f"    {line}" if line else "" for line in code.split("\n"))
    assert f"```yaml\n{code}\n```" in read(f"!!! tip\n    ```yaml\n{indented}\n    ```\n")


def test_code_inside_an_element_is_code() -> None:
    assert read("<pre>\n!!! note\nimport a from 'a'\n\n=== x\n</pre>") == "!!! note\nimport a from 'a'\n\n=== x"
    assert read('<div className="x">\n```js\na = 1\n\nb = 2\n```\n</div>\n') == "```js\na = 1\n\nb = 2\n```"


def test_the_title_of_code_stands_before_it_and_its_settings_are_dropped() -> None:
    source = (
        '```{.python title="a.py" hl_lines="1"}\nx = 1\n```\n\n{% highlight ruby %}\nputs "# x"\n{% endhighlight %}\n'
    )
    assert read(source) == 'a.py:\n\n```python\nx = 1\n```\n\n```ruby\nputs "# x"\n```'


def test_a_note_ends_before_the_addresses_of_links() -> None:
    text = read("With [ten] pumps.[^1]\n\n  [^1]:\n    A note.\n\n  [ten]: https://x.org/ten\n\nAfter.")
    assert text == "With ten (https://x.org/ten) pumps.\n\nNote: A note.\n\nAfter."


def test_links_that_the_generator_would_resolve_show_their_words() -> None:
    assert (
        read("In the [`docs` directory][mkdocs.docs_dir] and [a page][x.y].") == "In the `docs` directory and a page."
    )


def test_marks_that_colour_lines_of_code_are_dropped() -> None:
    source = (
        "```js\n// highlight-start\nx()\n  // highlight-end\n{/* highlight-next-line */}\ny() // highlight-end a\n```"
    )
    assert read(source) == "```js\nx()\ny() // highlight-end a\n```"


def test_attributes_without_a_value_are_dropped_from_headings() -> None:
    assert read("## Changes { data-search-exclude }\n\nKeep { x } and `{ data-x }`.") == (
        "## Changes\n\nKeep { x } and `{ data-x }`."
    )


def test_a_heading_that_a_comment_names_keeps_its_name() -> None:
    assert read("### <!-- md:setting config.enabled -->\n\nSays whether.") == "### config.enabled\n\nSays whether."
    assert read("### Use <!-- md:version 2 -->\n\n<!-- md:flag x -->\nText.") == "### Use\n\nText."


def test_a_link_before_the_mark_of_a_note_is_a_link() -> None:
    source = "Uses [semver][^2] and [this][^2][^1].\n\n[semver]: https://semver.org\n\n[^2]: Two.\n[^1]: One.\n"
    assert read(source) == "Uses semver (https://semver.org) and this.\n\nNote: Two.\n\nNote: One."
    assert read("To the [`site` directory]\n[mkdocs.site_dir].") == "To the `site` directory."


def test_attributes_of_jsx_are_markup() -> None:
    table = "<table><tr><td>\n<div style={{ fontWeight: 'bold' }}>Tag B2</div></td></tr></table>"
    source = f"{table}\n\nA <b style={{x}}>c</b> `<b a={{1}}>`."
    assert read(source) == "Tag B2\n\nA c `<b a={1}>`."
