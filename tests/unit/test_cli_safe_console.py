import io

from rich.table import Table
from rich.text import Text

from linernotes.cli.safe_console import SafeConsole


def test_a_title_steers_no_terminal_and_colours_stay() -> None:
    out = io.StringIO()
    console = SafeConsole(file=out, force_terminal=True, width=60, color_system="standard")
    table = Table("name")
    table.add_row(Text("Ada\x1b[2J\x07"))
    console.print(Text.assemble(("red\x1b]0;owned\x07", "red"), " plain\nnext\N{NO-BREAK SPACE}line"))
    console.print(table)
    said = out.getvalue()
    assert "\x1b[2J" not in said
    assert "\x1b]0" not in said
    assert "\x07" not in said
    assert "\x1b[31m" in said
    assert "next line" in said
    assert "Ada\N{REPLACEMENT CHARACTER}" in said
