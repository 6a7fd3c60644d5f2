"""Placeholders of the configuration: each form that people know is replaced, or refused by its name."""

import pytest

from detector.config.interpolation import escape, interpolate
from detector.config.loader import read_config
from detector.errors import ConfigError
from detector.strict_yaml.document import YamlError
from detector.strict_yaml.reader import parse_document
from detector.strict_yaml.writer import write_yaml

SECRET = "hunter2-Zq8x"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in {"SET": "set", "EMPTY": "", "SECRET": SECRET, "PORT": "9000", "ODD": "${SET}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UNSET", raising=False)


def filled(text):
    document = interpolate(parse_document(write_yaml({"key": text}).encode(), "c.yaml"))
    document.check()
    return document.root.builtins()["key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${SET}", "set"),
        ("${env:SET}", "set"),
        ("a${SET}b${SET}", "asetbset"),
        ("${EMPTY}", ""),
        ("${UNSET:-default}", "default"),
        ("${UNSET-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY-default}", ""),
        ("${SET:-default}", "set"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a b/c:1,2=3}", "a b/c:1,2=3"),
        ("${env:UNSET:-default}", "default"),
        ("${SET:?text}", "set"),
        ("${EMPTY?text}", ""),
        ("$$", "$"),
        ("$${SET}", "${SET}"),
        ("$$SET", "$SET"),
        ("pa$$word", "pa$word"),
        ("5$", "5$"),
        ("$5", "$5"),
        ("a$-b", "a$-b"),
        ("${ODD}", "${SET}"),  # once: what was filled in is text
        ("100%", "100%"),
        ("a%20b%2Fc", "a%20b%2Fc"),
        ("user@host", "user@host"),
        ("{a}", "{a}"),
    ],
)
def test_a_form_that_is_known_is_replaced(text, value):
    assert filled(text) == value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("$SET", "`$NAME`, a variable without braces,"),
        ("a $SET b", "`$NAME`, a variable without braces,"),
        ("${SET:+text}", "`${NAME:+text}`, the alternative text of a shell,"),
        ("${SET+text}", "`${NAME:+text}`, the alternative text of a shell,"),
        ("${SET:=text}", "`${NAME:=text}`, the assignment of a shell,"),
        ("${SET=text}", "`${NAME:=text}`, the assignment of a shell,"),
        ("${SET:default}", "`${NAME:text}`, a default of Spring or a provider of another tool,"),
        ("${vault:path}", "`${NAME:text}`, a default of Spring or a provider of another tool,"),
        ("${kafka.group}", "`${section.key}`, a reference to another key,"),
        ("${oc.env:SET}", "this form of `${…}`"),
        ("${SET#a}", "this form of `${…}`"),
        ("${#SET}", "this form of `${…}`"),
        ("${!SET}", "this form of `${…}`"),
        ("${SET^^}", "this form of `${…}`"),
        ("${SET/a/b}", "this form of `${…}`"),
        ("${}", "this form of `${…}`"),
        ("${ SET }", "this form of `${…}`"),
        ("${file:}", "this form of `${…}`"),
        ("${1}", "`${section.key}`, a reference to another key,"),
        ("${SET", "`${…` without its `}`"),
        ("${UNSET:-${SET}}", "a placeholder inside a placeholder"),
        ("${${SET}}", "a placeholder inside a placeholder"),
        ("$(hostname)", "`$(…)`, a command of a shell or a variable of Make and Kubernetes,"),
        ("%(SET)s", "`%(name)s`, a placeholder of Python,"),
        ("%SET%", "`%NAME%`, a variable of Windows,"),
        ("{{ SET }}", "`{{ … }}`, a template of Jinja, Ansible or Helm,"),
        ("{% if x %}a{% endif %}", "`{{ … }}`, a template of Jinja, Ansible or Helm,"),
        ("<%= SET %>", "`<% … %>`, a template of Ruby,"),
        ("#{SET}", "`#{…}`, a placeholder of Ruby or a deployment tool,"),
        ("@SET@", "`@NAME@`, a placeholder of Maven or Make,"),
    ],
)
def test_a_form_of_another_tool_is_refused_by_its_name(text, name):
    with pytest.raises(YamlError) as raised:
        filled(text)
    assert f"line 1, column 6: `key`: {name} is not replaced; known are ${{NAME}}, " in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${UNSET}", "`key`: ${UNSET} is not set in the environment; export UNSET."),
        ("${env:UNSET}", "`key`: ${UNSET} is not set in the environment; export UNSET."),
        ("${UNSET:?ask the team}", "`key`: ${UNSET} is not set in the environment (ask the team); export UNSET."),
        ("${UNSET?}", "`key`: ${UNSET} is not set in the environment; export UNSET."),
        ("${EMPTY:?}", "`key`: ${EMPTY} is empty in the environment; export EMPTY."),
        (
            "${file:/nowhere}",
            "`key`: the file /nowhere cannot be read (No such file or directory); put the secret there",
        ),
        ("${file:/proc}", "`key`: the file /proc cannot be read (Is a directory)"),
        ("${file:/dev/zero}", "`key`: the file /dev/zero is a pipe or a device; give a file."),
    ],
)
def test_what_is_missing_is_asked_for(text, sentence):
    with pytest.raises(YamlError) as raised:
        filled(text)
    assert sentence in str(raised.value)


def test_a_variable_that_is_no_text_is_refused(monkeypatch):
    monkeypatch.setenv("SET", "a\udcffb")
    with pytest.raises(YamlError, match=r"\$\{SET\} is not UTF-8 in the environment; export it as UTF-8\."):
        filled("${SET}")


@pytest.mark.parametrize(
    "text", ["a: b\nc: d", "[1, 2]", "*a", "!!python/name:os.system", "'", "# no comment", "{{ a }}", "~"]
)
def test_what_is_filled_in_is_text_and_no_yaml(monkeypatch, text):
    monkeypatch.setenv("SET", text)
    assert filled("${SET}") == text


def test_a_text_that_was_escaped_comes_back():
    for text in ("${SET}", "$$", "a$b", "$(x)", "pa$word"):
        assert filled(escape(text)) == text


def config(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(f"bundle: b\nkafka: {{common: {{bootstrap.servers: 'x:1'}}}}\n{text}")
    return read_config(path)


def test_a_number_may_come_from_the_environment(tmp_path):
    made = config(tmp_path, "http: {port: '${PORT}'}\nalarms: {half_life_minutes: '${UNSET:-2.5}'}\n")
    assert (made.http.port, made.alarms.half_life_minutes) == (9000, 2.5)


@pytest.mark.parametrize("value", ["09000", "9_000", "1e3", "yes", "70000", "", "9000 ", "1:30", SECRET])
def test_a_number_from_the_environment_is_as_strict_as_one_in_the_file(tmp_path, monkeypatch, value):
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ConfigError) as raised:
        config(tmp_path, "http: {port: '${PORT}'}\n")
    assert "`http.port` is what ${PORT} gives, which is" in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "http: {host: '${SECRET} '}",
        "http: {host: 'a ${SECRET}'}",
        "http: {host: '${UNSET:-hunter2-Zq8x} '}",
        "http: {user: '${SECRET}'}",
        "http: {user: '${SECRET}:', password: x}",
        "log: {level: '${SECRET}'}",
        "minutes: '${SECRET}'",
        "trust: ['${SECRET}']",
        "alarms: {budgets: '${SECRET}'}",
        f"http: {{password: '{SECRET}${{UNSET}}'}}",
        f"http: {{password: '{SECRET}$SET'}}",
        f"http: {{password: ['{SECRET}']}}",
        f"kafka: {{common: {{sasl.password: '{SECRET}'}}}}",
        "http: {'${SECRET}': 1}",
    ],
)
def test_no_sentence_tells_a_secret(tmp_path, text):
    with pytest.raises(ConfigError) as raised:
        config(tmp_path, text + "\n")
    assert SECRET not in str(raised.value)
