import pytest

from monitor.config.yamlfile import MAX_BYTES, parse, read_file
from monitor.errors import ConfigError


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, file="f.yaml")
    return str(caught.value)


def test_yaml_keeps_words_and_numbers_as_written_when_they_are_not_true_or_false():
    document = parse("off: yes\nat: 12:30:00\nn: 0.10\no: 010\nd: 2026-01-02\ny: true\nz: ~\nq: 'true'\n", file="f")
    assert document.tree == {
        "off": "yes", "at": "12:30:00", "n": "0.10", "o": "010", "d": "2026-01-02", "y": True, "z": None, "q": "true",
    }  # fmt: skip
    assert document.problems == ()


def test_yaml_knows_the_line_of_every_path_when_it_is_nested():
    lines = parse("a:\n  b: 1\n  c:\n    - x\n    - {d: 1}\n", file="f").lines
    assert lines[("a",)] == 1
    assert lines[("a", "b")] == 2
    assert lines[("a", "c")] == 3
    assert lines[("a", "c", 1)] == 5
    assert lines[("a", "c", 1, "d")] == 5


def test_yaml_refuses_a_duplicate_key_when_both_stand_in_one_mapping():
    shown = [problem.render() for problem in parse("a:\n  b: 1\n  c: 2\n  b: 3\n", file="f").problems]
    assert shown == ["f:4: a.b: the same key twice; the first stands in line 2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/name:os.system x\n", "f:1: a: YAML tags (!) are not read here; write the plain value"),
        ("a: !!bool yes\n", "f:1: a: YAML tags (!) are not read here; write the plain value"),
        ("a: !!set {x}\n", "f:1: a: YAML tags (!) are not read here; write the plain value"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "f:3: c: merge keys (<<) are not read here; write the keys out"),
        ("? [a]\n: b\n", "f:1: a key must be a plain word"),
    ],
)
def test_yaml_has_a_problem_when_it_uses_what_is_not_read(text, message):
    assert [problem.render() for problem in parse(text, file="f").problems] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c\n", "f.yaml:1: not YAML: a second ': ' in one entry; indent it or put quotes around the text"),
        (
            "a:\n\t- b\n",
            "f.yaml:2: not YAML: a character that cannot stand here (a tab, @, % or `); indent with spaces, or use quotes",
        ),
        ("a: *nothere\n", "f.yaml:1: not YAML: a text that begins with * must stand in quotes"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: not YAML: more than one document (---) in one file"),
        ("a: 'x\n", "f.yaml:2: not YAML: a quote or bracket is not closed"),
        ("a: [b\nc: d\n", "f.yaml:2: not YAML: a bracket is not closed, or a comma is missing"),
        ("a: 1\nb\n", "f.yaml:3: not YAML: this line is not `key: value`"),
        ("a:\n  b: 1\n c: 2\n", "f.yaml:3: not YAML: the indentation does not fit the lines above"),
        ("a: \x07\n", "f.yaml:1: a control character that YAML does not allow"),
        ("a: &a [*a]\n", "f.yaml:1: too much: nested too deeply, or an alias inside itself"),
        ("[" * 3_000, "f.yaml: nested too deeply"),
        ('a: "\\U99999999"\n', "f.yaml: not YAML: an escape in a quoted text is not a character"),
    ],
)
def test_yaml_says_in_plain_words_what_is_wrong_when_it_cannot_be_read(text, message):
    assert refused(text) == message


def test_yaml_ends_quickly_when_aliases_multiply():
    # ten levels of ten aliases each would be 10^10 values
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11))
    assert "too much" in refused(text)


def test_file_is_refused_when_it_is_too_large_not_text_or_a_folder(tmp_path):
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"a: 1\nb: \xff\n")
    for name, message in (
        ("large", "large: too large for a configuration file (more than 1 MiB)"),
        ("binary", "binary:2: not UTF-8 text"),
        (".", "cannot read it: Is a directory"),
        ("absent", "absent: cannot read it: No such file or directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_file(tmp_path / name)
        assert str(caught.value).endswith(message)
