"""Hypothesis strategies: a valid input with a few mutations, as a document, as text or as bytes."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

HOSTILE_TEXTS = (
    *("", " ", "\n", "\t", "\x00", "\x1b[31mred", "\x1b]8;;http://x\x07", "‮abc", "​", "﻿", "￿", "é" * 3000),
    *("=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", "[red]", "{0}", "%s%n", "${HOME}", "${file:/etc/passwd}"),
    *(
        "../../etc/passwd",
        "/dev/zero",
        "nan",
        "NaN",
        "inf",
        "-0",
        "1e400",
        "0x10",
        "0o17",
        "1_000",
        "12:30",
        "yes",
        "~",
    ),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2026-02-30T00:00:00Z", "2026-03-01T10:15", "AAAA", "====="),
)

HOSTILE_NUMBERS = (
    *(0, -1, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308),
)


def hostile_values() -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values that no sender means."""
    return st.one_of(
        st.sampled_from(HOSTILE_TEXTS),
        st.sampled_from(HOSTILE_NUMBERS),
        st.sampled_from((None, True, False, [], {}, [[]], [None], {"": ""}, [1] * 3000)),
        st.text(max_size=20),
        st.integers(),
        st.floats(),
        st.integers(2, 200).map(_nested),
    )


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@st.composite
def mutated_documents(draw: st.DrawFn, valid: Sequence[Any]) -> Any:
    """Return a valid document of which up to four nodes are replaced, removed or added."""
    document = json.loads(json.dumps(draw(st.sampled_from(valid))))
    for _ in range(draw(st.integers(0, 4))):
        document = draw(_mutations(document))
    return document


@st.composite
def _mutations(draw: st.DrawFn, document: Any) -> Any:
    if not isinstance(document, dict | list) or not document or draw(st.integers(0, 9)) == 0:
        return draw(hostile_values())
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = draw(st.sampled_from(keys))
    match draw(st.sampled_from(("replace", "descend", "descend", "remove", "add"))):
        case "replace":
            document[key] = draw(hostile_values())
        case "descend":
            document[key] = draw(_mutations(document[key]))
        case "remove":
            del document[key]
        case _ if isinstance(document, dict):
            document[draw(st.sampled_from(HOSTILE_TEXTS))] = draw(hostile_values())
        case _:
            document.append(draw(hostile_values()))
    return document


@st.composite
def mutated_bytes(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Return bytes of which, every other time, some are altered, cut off, doubled or written in another encoding."""
    content = draw(valid)
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 3)))):
        position = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(("alter", "cut", "insert", "double", "recode", "nest"))):
            case "alter":
                content = content[:position] + draw(st.binary(min_size=1, max_size=4)) + content[position + 1 :]
            case "cut":
                content = content[:position]
            case "insert":
                content = content[:position] + draw(st.sampled_from(HOSTILE_TEXTS)).encode() + content[position:]
            case "double":
                content = content + content[position:]
            case "nest":
                content = content[:position] + draw(st.sampled_from((b"[", b'{"a":', b"- "))) * 50_000
            case _:
                encoding = draw(st.sampled_from(("utf-16", "latin-1", "utf-8-sig", "utf-7")))
                content = content.decode(errors="replace").encode(encoding, errors="replace")
    return content


def mutated_json(valid: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return a strategy of mutated documents as JSON with mutated bytes; NaN and lone surrogates stay as they are."""
    return mutated_bytes(mutated_documents(valid).map(_to_json))


def _to_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", errors="surrogatepass")
