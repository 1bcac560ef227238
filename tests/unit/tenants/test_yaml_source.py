"""Reading a file strictly: what cannot be a file in git is tried here, the rest in tests/must_fail/."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import UsageError
from tenants.plain_text import MAX_BYTES
from tenants.yaml_source import parse_document, read_document


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        read_document(path)
    return str(refused.value)


def test_a_file_of_ten_megabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_bytes(b"a: 1\n" * 2_000_000)
    started = time.perf_counter()
    assert "is larger than 64 KiB" in refusal(path)
    assert time.perf_counter() - started < 0.1


def test_the_largest_file_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_bytes(b"a: 1\n#" + b"x" * (MAX_BYTES - 6))
    assert read_document(path).data == {"a": 1}


def test_a_folder_a_missing_file_and_a_link_into_nothing_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    dangling = tmp_path / "dangling.yaml"
    dangling.symlink_to(tmp_path / "nowhere")
    circle = tmp_path / "circle.yaml"
    circle.symlink_to(circle)
    assert "cannot be read: is a directory" in refusal(folder)
    assert "cannot be read: no such file or directory" in refusal(dangling)
    assert "cannot be read: no such file or directory" in refusal(tmp_path / "gone.yaml")
    assert "cannot be read: too many levels of symbolic links" in refusal(circle)


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text("a: 1\n")

    def forbidden(_path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root may read everything, so modes cannot show it
    assert "acme.yaml: cannot be read: permission denied" in refusal(path)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_nesting_without_end_is_refused_in_no_time(opening: str) -> None:
    started = time.perf_counter()
    with pytest.raises(UsageError):
        parse_document(b"a: " + opening.encode() * (MAX_BYTES // len(opening) - 4), "acme.yaml")
    assert time.perf_counter() - started < 2


def test_an_error_at_the_very_start_is_on_line_one() -> None:
    with pytest.raises(UsageError, match=r"^f:1: not valid YAML"):
        parse_document(b"]", "f")


def test_places_are_named_by_file_line_and_key() -> None:
    document = parse_document(b'a: "x"\nb:\n  c:\n    - 1\n    - 2\n', "dev/acme.yaml")
    assert document.where() == "dev/acme.yaml:1"
    assert document.where("a") == "dev/acme.yaml:1: a"
    assert document.where("b", "c", 1) == "dev/acme.yaml:5: b.c[1]"
    assert document.where("b", "missing", "deeper") == "dev/acme.yaml:2: b.missing.deeper"
    assert document.where("missing") == "dev/acme.yaml:1: missing"
    assert document.unquoted == {("b", "c", 0), ("b", "c", 1)}


def test_quoted_look_alikes_are_text_and_plain_words_are_too() -> None:
    words = ["no", "1.10", "0123", "12345678", "1e5", "2026-11-02", "~", "true", "", "<<", "12:30"]
    document = parse_document(json.dumps({"words": words, "plain": ["x"]}).encode(), "f")
    assert document.data["words"] == words
    plain = parse_document(b"a: nothing\nb: 1.2.3\nc: v2\nd: half/past\ne: -1\nf: 0\n", "f")
    assert plain.data == {"a": "nothing", "b": "1.2.3", "c": "v2", "d": "half/past", "e": -1, "f": 0}


def test_block_texts_comments_and_a_leading_marker_are_welcome() -> None:
    document = parse_document(b"---\n# why\na: |\n  one\n  two\nb: >-\n  three\n  four\n", "f")
    assert document.data == {"a": "one\ntwo\n", "b": "three four"}


KEYS = st.text("abЖ日9_", min_size=1, max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(10**17), 10**17) | st.text("aZ09 -_'\"\\${}[]%#:&*!|>?@`~=<äع日🏭"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5).filter(lambda value: str(value).count("{") < 5))
def test_what_is_accepted_means_the_same_to_another_reader(value: dict[str, object]) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    try:
        document = parse_document(text, "f")
    except UsageError as error:
        assert "levels deep" in str(error)  # noqa: PT017  # accepted or refused
    else:
        assert document.data == value == yaml.safe_load(text)


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@` \n0123.,?~"), max_size=60))
def test_any_text_is_read_like_the_other_reader_does_or_refused(text: str) -> None:
    try:
        document = parse_document(text.encode(), "f")
    except UsageError as error:
        assert all(problem.where.startswith("f:") for problem in error.problems)  # noqa: PT017  # accepted or refused
    else:
        assert document.data == yaml.safe_load(text)
