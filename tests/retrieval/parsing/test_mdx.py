"""MDX: Markdown without modules, comments and component tags."""

from retrieval.parsing.mdx import parse_mdx


def test_modules_and_tags_go_and_titles_and_code_stay() -> None:
    source = (
        "---\ntitle: Pump\n---\nimport Tabs from '@theme/Tabs'\nimport {\n  A\n} from 'b'\n\n# Use\n\n{/* hidden */}\n"
        '<Tabs>\n<TabItem value="a" label="Linux">\n\nUse **apt**.\n\n</TabItem>\n</Tabs>\n\n'
        "```jsx\nimport X from 'x'\n<Tabs>\n```\n\nBefore <Badge type=\"new\" /> after.\n\n"
        "export const meta = {\n  a: 1\n}\n\nEnd.\n"
    )
    document = parse_mdx("a.mdx", source.encode(), max_characters=1_000_000)
    assert document.title == "Pump"
    assert document.text == (
        "# Use\n\nLinux\n\nUse **apt**.\n\n```jsx\nimport X from 'x'\n<Tabs>\n```\n\nBefore  after.\n\nEnd."
    )
