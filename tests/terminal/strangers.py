"""Texts of strangers that a terminal, a log, a page or a spreadsheet would obey."""

HOSTILE = {
    "a colour": "\x1b[31mred\x1b[0m",
    "a link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a window's title": "\x1b]0;owned\x07",
    "a control of eight bits": "\x9b31mred\x9d0;owned\x9c",
    "a second line": "cell\n2026-01-01 00:00:00,000 ERROR   all is lost",
    "a carriage return": "cell\rERROR",
    "a backspace": "abc\b\b\bxyz",
    "a line of Unicode": "cell\u2028next\u2029next\x85next\x0bnext\x0cnext\x1cnext",
    "a null": "a\x00b",
    "delete": "a\x7fb",
    "right to left": "\u202ecod.exe\u2066x\u2069\u200f",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "tags": "a\U000e0041\U000e0042\U000e007f",
    "variations": "a\ufe0f\ufe00\U000e0100",
    "fillers": "\u115f\u1160\u3164\uffa0\u2800",
    "lone surrogates": "a\udc80\ud800b",
    "private use": "\ue000\U000f0000\U0010ffff",
    "accents without end": "e" + "\u0301" * 60,
    "marks without end": "ก" + "\u0e34" * 60 + "\u20dd" * 60,
    "markup of rich": "[red]x[/] [link=http://evil.example]y[/link]",
    "markup of a page": "<script>alert('&\"')</script>",
    "a formula": '=HYPERLINK("http://evil.example")',
    "a template": "%s %d %n {0} {cell} $(reboot) `reboot`",
    "without end": "x" * 10_000,
    "wide without end": "日本語🙂" * 1_000,
}


def is_harmless(line: str) -> bool:
    """Tell whether one line shows everything it holds, and a terminal does nothing else with it."""
    invisible = set("\u115f\u1160\u3164\uffa0\u2800\u034f") | {chr(code) for code in range(0xFE00, 0xFE10)}
    piled = any(mark * 5 in line for mark in "\u0301\u0e34\u20dd")
    return line.isprintable() and not invisible & set(line) and "\U000e0100" not in line and not piled
