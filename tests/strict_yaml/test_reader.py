"""Files of YAML: a strict reader's refusals, each with its line and column, and nothing of the file in them."""

import os
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.strict_yaml.composer import MAX_DEPTH
from detector.strict_yaml.document import YamlError
from detector.strict_yaml.reader import parse_document, read_document
from detector.strict_yaml.writer import write_yaml


def refusal(text, path="file.yaml"):
    with pytest.raises(YamlError) as raised:
        parse_document(text if isinstance(text, bytes) else text.encode(), path).check()
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    assert sentence.isprintable()
    return sentence.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: `a` stands twice, first in line 1; keep one of the two."),
        ("a:\n  b: {c: 1, d: 2, c: 3}\n", "line 2, column 19: `a.b.c` stands twice, first in line 2;"),
        ("- {x: 1, x: 1}\n", "line 1, column 10: `[0].x` stands twice"),
        ('a: 1\n"a": 2\n', "line 2, column 1: `a` stands twice"),
        ('a: 1\n"\\x61": 2\n', "line 2, column 1: `a` stands twice"),
        (f"caf\u00e9: 1\n{unicodedata.normalize('NFD', 'café')}: 2\n", "line 2, column 1: "),
        ("{a: 1, a: 2}", "line 1, column 8: `a` stands twice"),
        ("1: x\n", "line 1, column 1: the key `1` of the document is no text; put it in quotes."),
        ("a:\n  yes: 1\n", "line 2, column 3: the key `yes` of `a` is true or false to one YAML reader"),
        ("no: 1\n", "line 1, column 1: the key `no` of the document is true or false"),
        ("2026-01-05: 1\n", "line 1, column 1: the key `2026-01-05` of the document is no text"),
        ("? [a, b]\n: 1\n", "line 1, column 3: a key is no text; write a text."),
        ("? {a: b}\n: 1\n", "line 1, column 3: a key is no text"),
        ("? \n: 1\n", "line 1, column 2: the key `` of the document is no text"),
        (": 1\n", "line 1, column 1: is not YAML (expected <block end>, but found ':')"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "line 2, column 5: the key `<<` of `c` merges mappings in YAML 1.1 only"),
        ("a: {{ name }}\n", "line 1, column 5: `{{ … }}` is a template; fill it before."),
        ("a: {b: ${NAME}}\n", "line 1, column 9: text with ${ stands between { and }; put it in quotes."),
        ("a: !!str 1\n", "line 1, column 4: the tag `!!str` is not allowed"),
        ("a: !!binary aGk=\n", "line 1, column 4: the tag `!!binary` is not allowed"),
        ("a: !!python/name:os.system\n", "line 1, column 4: the tag `!!python/name:os.system` is not allowed"),
        ("a: !ENV NAME\n", "line 1, column 4: the tag `!ENV` is not allowed; put text in quotes, and write ${NAME}"),
        ("a: !custom {b: 1}\n", "line 1, column 4: a tag (!) is not allowed"),
        ("!x k: 1\n", "line 1, column 1: a tag (!) is not allowed"),
        ("&k a: 1\n", "line 1, column 1: a key has an anchor (&)"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins here; put one document into one file."),
        ("a: *b\n", "line 1, column 4: an alias (*) names no anchor; put text that begins with * in quotes."),
        ("a: &a [*a]\n", "line 1, column 8: an anchor contains itself; write the values out instead."),
        ("a: &a {b: [*a]}\n", "line 1, column 12: an anchor contains itself"),
        ("\ta: 1\n", "line 1, column 1: a tab stands here; YAML takes spaces."),
        ("a:\n\tb: 1\n", "line 2, column 1: a tab stands here"),
        ("a:\t1\n", "line 1, column 3: a tab stands here"),
        ("a: b: c\n", "line 1, column 5: a second key begins here;"),
        ("a: [\n", "line 2, column 1: is not YAML ("),
        ("a: 'b\n", "line 2, column 1: is not YAML ("),
        ("a: 1\n  b: 2\n", "line 2, column 4: a second key begins here;"),
        ("a:\n    b: 1\n  c: 2\n", "line 3, column 3: the indentation is wrong here; align the keys."),
        ("a\nb: 1\n", "line 2, column 2: a second key begins here"),
        ("b: 1\na\n", "line 3, column 1: a key without `:` stands before this;"),
        ("a: @b\n", "line 1, column 4: is not YAML ("),
        ("a: `b`\n", "line 1, column 4: is not YAML ("),
        ("a: \x00\n", "line 1, column 4: the character U+0000 is not allowed;"),
        ("a: 1\nb: x\x1b[2J\n", "line 2, column 5: the character U+001B is not allowed;"),
        ("a: x\x7f\n", "line 1, column 5: the character U+007F is not allowed;"),
        ("a: 1\r\nb: yes\r\n", "line 2, column 4: `b` is yes, which is true or false"),
        (b"a: 1\nb: \xe4\n", "line 2, column 4: the byte 0xe4 is not UTF-8; save the file as UTF-8."),
        ("a: 1\n".encode("utf-16"), "is not UTF-8 but UTF-16; save it as UTF-8."),
        ("a: 1\n".encode("utf-16-le"), "is not UTF-8 but UTF-16; save it as UTF-8."),
        ("a: 1\n".encode("utf-16-be"), "is not UTF-8 but UTF-16 or binary; save it as UTF-8."),
        ("[" * 200, f"line 1, column {MAX_DEPTH + 2}: values nest deeper than {MAX_DEPTH} levels here"),
        (
            "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40,
            "line 2, column 44: values nest deeper",
        ),
    ],
    ids=repr,
)
def test_a_mistake_is_refused_with_its_line_and_column(text, sentence):
    assert refusal(text).startswith(sentence)


def test_all_mistakes_are_reported_at_once_in_their_order():
    with pytest.raises(YamlError) as raised:
        parse_document(b"a: 010\nb: yes\na: 1\nc: [20:30, !x 1]\n", "f.yaml").check()
    marks = [(mistake.mark.line, mistake.mark.column) for mistake in raised.value.mistakes]
    assert marks == [(1, 4), (2, 4), (3, 1), (4, 5), (4, 12)]
    assert str(raised.value).startswith("f.yaml: has 5 mistakes: line 1, column 4: `a` is 010, ")


def test_more_mistakes_than_a_person_reads_are_counted():
    assert refusal("".join(f"k{n}: yes\n" for n in range(50))).endswith("30 more are not listed.")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize("text", [BOMB, "a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 100 + "]\n"])
def test_anchors_that_explode_are_refused_before_they_do(text):
    assert "values or 4,000,000 characters with its anchors written out" in refusal(text)


def test_an_alias_is_the_value_of_its_anchor():
    assert parse_document(b"a: &x [1, two]\nb: *x\n", "f").root.builtins() == {"a": [1, "two"], "b": [1, "two"]}


@pytest.mark.parametrize("start", ["\ufeff", "---\n", "%YAML 1.1\n---\n", "# comment\n\n"])
def test_what_may_stand_before_a_document(start):
    assert parse_document(f"{start}a: 1\r\nb: two\n...\n".encode(), "f").root.builtins() == {"a": 1, "b": "two"}


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2: x",
        "password: *hunter2",
        "password: !hunter2 x",
        "password: @hunter2",
        "password: %hunter2",
        "password: 'hunter2",
        "sasl.password: {hunter2: x, hunter2: y}}",
        "ssl.key.pem: 0x1234567",
        "token: 1_234567",
        "kafka:\n  client.secret: 12:34:56:7",
        "password: &hunter2 &hunter2 x",
        "password: !e!hunter2 x",
        "password: \thunter2",
        "password: hunter2\n\tx",
    ],
)
def test_no_refusal_quotes_a_secret(text):
    sentence = refusal(text)
    assert "hunter2" not in sentence
    assert "234567" not in sentence
    assert "12:34" not in sentence


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "large", "absent", "secret"])
def test_a_path_that_is_no_readable_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "config.yaml"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "large":
            path.touch()
            os.truncate(path, 3_000_000_000)
        case "secret":
            path.symlink_to(path)  # a loop cannot be opened by anybody, root included
    with pytest.raises((YamlError, OSError)) as raised:
        read_document(path)
    if isinstance(raised.value, YamlError):
        assert str(raised.value).split(": ")[1].startswith("is ")


TEXTS = st.text(max_size=12) | st.from_regex(r"[-+]?[0-9a-fxob_:.eEyn~=<-]{1,8}", fullmatch=True)


@given(st.dictionaries(TEXTS, st.recursive(TEXTS | st.integers() | st.booleans(), st.lists, max_leaves=5), max_size=4))
def test_what_is_written_is_read_as_it_was(value):
    normal = {unicodedata.normalize("NFKC", name) for name in value}
    if len(normal) < len(value) or any(abs(number) > 10**25 for number in _integers(value)):
        return
    document = parse_document(write_yaml(value).encode(), "written.yaml")
    document.check()
    assert document.root.builtins() == value


def _integers(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return [
        n for part in parts for n in ([part] if isinstance(part, int) else _integers(part) if part != value else [])
    ]


@given(st.text(st.sampled_from("ab1:- \n\t[]{},&*!|>'\"%@#?~$"), max_size=40) | st.binary(max_size=60))
def test_whatever_a_file_holds_the_answer_is_a_document_or_a_sentence(content):
    with suppress(YamlError):
        parse_document(content if isinstance(content, bytes) else content.encode(), "any.yaml").check()
