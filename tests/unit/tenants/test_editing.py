"""Edits change what they name and nothing else, and are written whole or not at all."""

from __future__ import annotations

import stat
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.editing import HEADER, Edit, alone, edit, new_file, write
from tenants.errors import UsageError
from tenants.models import TenantFile
from tenants.splice import rendered, spliced
from tenants.yaml_source import parse_document

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path

TEXT = """\
# yaml-language-server: $schema=../../schema.json
schema_version: 1
id: "acme"   # never changes
company_name: 'Acme'

# They asked for a longer trial.
trial: {ends: "2027-01-01", grace_days: 3}   # agreed by mail
subscription:
    status: "trialing" # four spaces

    # the ids come from the billing
    stripe_customer_id: "cus_12345678"
extra_hosts:
- "iot.acme.example" # their own
- "iot.acme.test"
# for the next editor
notes: |
  Two lines,
  as they were.

# the end
"""
ORDER = tuple(TenantFile.model_fields)


def after(**changes: Any) -> str:  # noqa: ANN401 - any value of a file
    """Return the text with changes whose keys are written with two underscores for a dot."""
    named = {tuple(name.split("__")): value for name, value in changes.items()}
    return spliced(TEXT.encode(), "acme.yaml", named, order=ORDER).decode()


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"id": "12345678"}, 'id: "acme"   #', 'id: "12345678"   #'),
        ({"company_name": 'A "B" \\ ß'}, "'Acme'", '"A \\"B\\" \\\\ ß"'),
        ({"trial__ends": "2027-02-02"}, "2027-01-01", "2027-02-02"),
        ({"trial__grace_days": 9}, "grace_days: 3", "grace_days: 9"),
        ({"trial__grace_days": None}, ", grace_days: 3", ""),
        ({"trial__ends": None}, 'ends: "2027-01-01", ', ""),
        ({"trial": None}, 'trial: {ends: "2027-01-01", grace_days: 3}   # agreed by mail\n', ""),
        ({"trial": {"ends": "2028-01-01"}}, '{ends: "2027-01-01", grace_days: 3}', '\n  ends: "2028-01-01"'),
        (
            {"subscription__status": None},
            '    status: "trialing" # four spaces\n',
            "",
        ),
        (
            {"subscription__current_period_end": "2027-01-01"},
            '"cus_12345678"\n',
            '"cus_12345678"\n    current_period_end: "2027-01-01"\n',
        ),
        ({"extra_hosts": ["a.b"]}, '- "iot.acme.example" # their own\n- "iot.acme.test"', '  - "a.b"'),
        ({"extra_hosts": []}, '\n- "iot.acme.example" # their own\n- "iot.acme.test"', " []"),
        ({"notes": "One.\nTwo."}, "|\n  Two lines,\n  as they were.", '"One.\\nTwo."'),
        ({"plan": "starter"}, "company_name: 'Acme'\n", "company_name: 'Acme'\nplan: \"starter\"\n"),
        (
            {"mqtt__mode": "shared", "mqtt__node_port": 30000},
            "\nextra_hosts",
            '\nmqtt:\n  mode: "shared"\n  node_port: 30000\nextra_hosts',
        ),
        ({"options__grafana": True}, "\nextra_hosts", "\noptions:\n  grafana: true\nextra_hosts"),
    ],
)
def test_only_the_place_named_changes(changes: dict[str, Any], old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    expected = TEXT.replace(old, new)
    assert after(**changes) == expected.replace("trial: \n", "trial:\n")


def test_a_group_goes_with_its_last_key() -> None:
    text = after(subscription__status=None, subscription__stripe_customer_id=None)
    assert "subscription" not in text
    assert "as they were" in text


def test_a_value_that_is_there_already_changes_nothing() -> None:
    assert after(company_name="Acme", trial__grace_days=3, ring=None, trial__unknown=None) == TEXT


def test_a_flow_group_can_be_filled_and_emptied() -> None:
    empty = b'id: "acme"\ntrial: {}\n'
    filled = spliced(empty, "x", {("trial", "ends"): "2027-01-01"}, order=())
    assert filled == b'id: "acme"\ntrial: {ends: "2027-01-01"}\n'
    assert spliced(filled, "x", {("trial", "ends"): None}, order=()) == b'id: "acme"\n'
    longer = spliced(filled, "x", {("trial", "on"): ["a"], ("trial", "by"): {"n": 1}}, order=())
    assert longer == b'id: "acme"\ntrial: {ends: "2027-01-01", on: ["a"], by: {n: 1}}\n'
    whole = spliced(b'{id: "acme", trial: {ends: "x"}}\n', "x", {("trial",): None}, order=())
    assert whole == b'{id: "acme"}\n'
    assert spliced(b'{ring: "early"}\n', "x", {("ring",): None}, order=()) == b"{}\n"
    other = spliced(b'{id: "acme", extra_hosts: ["a"]}\n', "x", {("extra_hosts",): ["b"]}, order=())
    assert other == b'{id: "acme", extra_hosts: ["b"]}\n'


def test_a_group_takes_the_place_of_a_wrong_value() -> None:
    assert spliced(b'trial: "soon"\n', "x", {("trial", "ends"): "x"}, order=()) == b'trial:\n  ends: "x"\n'


def test_a_file_without_a_last_line_end_can_grow() -> None:
    assert spliced(b'id: "acme"', "x", {("ring",): "early"}, order=ORDER) == b'id: "acme"\nring: "early"'


def test_a_place_that_is_not_certain_is_left_to_a_person() -> None:
    with pytest.raises(UsageError, match="only a person can edit safely"):
        spliced(b'id: "acme"\nnotes: |+\n  kept\n\n\n', "x", {("ring",): "early"}, order=())


def test_a_broken_file_is_refused_before_and_after_the_edit() -> None:
    with pytest.raises(UsageError, match="has a tab"):
        spliced(b'id:\t"acme"\n', "x", {}, order=())
    with pytest.raises(UsageError, match="invisible or control character"):
        after(company_name="A\u202eB")


VALUES = st.one_of(
    st.booleans(),
    st.integers(min_value=0, max_value=9999),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
    st.sampled_from(
        ["no", "0123", "1e5", "2026-01-01", "~", "a: b", "# x", "- x", "{", "'", '"', "\\", " x "]
    ),
    st.lists(st.text("ab.:#", min_size=1, max_size=5), max_size=3),
)
PATHS = st.sampled_from(
    [
        *(("id",), ("trial",), ("trial", "ends"), ("trial", "grace_days"), ("trial", "more")),
        *(("subscription", "status"), ("subscription", "stripe_customer_id"), ("extra_hosts",)),
        *(("notes",), ("plan",), ("mqtt", "mode"), ("storage", "postgres"), ("lifecycle", "state")),
    ]
)


@given(st.dictionaries(PATHS, st.one_of(st.none(), VALUES), max_size=4))
def test_a_random_edit_changes_only_what_it_names_or_is_refused(changes: dict[tuple[str, ...], Any]) -> None:
    try:
        content = spliced(TEXT.encode(), "acme.yaml", changes, order=ORDER)
    except UsageError:
        return
    before, result = (parse_document(one, "x").data for one in (TEXT.encode(), content))
    named = {keys[0] for keys in changes}
    assert {key: value for key, value in result.items() if key not in named} == {
        key: value for key, value in before.items() if key not in named
    }
    for keys, value in changes.items():
        if len(keys) == 1 and not any(other != keys and other[0] == keys[0] for other in changes):
            assert result.get(keys[0]) == value
    for line in ("# They asked", "# for the next editor", "# the end"):
        assert content.decode().count(line) == 1


def test_a_whole_file_is_rendered_with_every_text_in_quotes() -> None:
    values: dict[str, Any] = {
        "schema_version": 1,
        "id": "no",
        "trial": {"ends": "2027-01-01"},
        "extra_hosts": ["a.b"],
        "x": {},
    }
    text = rendered(values)
    assert text == (
        'schema_version: 1\nid: "no"\ntrial:\n  ends: "2027-01-01"\nextra_hosts:\n  - "a.b"\nx: {}\n'
    )
    assert parse_document(text.encode(), "x").data == values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "acme.yaml"
    file.write_text(TEXT)
    file.chmod(0o640)
    return file


def test_an_edit_is_written_with_the_files_mode_and_leaves_nothing_else(path: Path) -> None:
    wanted = edit(path, {("id",): "other"})
    assert wanted.changes
    assert '-id: "acme"   # never changes' in wanted.diff()
    assert '+id: "other"   # never changes' in wanted.diff()
    assert path.read_text() == TEXT
    write([wanted])
    assert path.read_text() == TEXT.replace('"acme"', '"other"')
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_an_edit_that_changes_nothing_does_not_touch_the_file(path: Path) -> None:
    before = path.stat()
    write([edit(path, {("id",): "acme"})])
    assert path.stat().st_ino == before.st_ino


def test_a_new_file_is_written_with_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    wanted = new_file(path, {"id": "new"})
    assert wanted.diff()[:2] == ["--- /dev/null", f"+++ {path}"]
    write([wanted])
    assert path.read_text() == HEADER + 'id: "new"\n'
    with pytest.raises(UsageError, match="the file exists already"):
        new_file(path, {"id": "new"})


def test_a_file_that_does_not_exist_cannot_be_edited(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        edit(tmp_path / "nobody.yaml", {})


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: is a directory"):
        edit(tmp_path, {})


def test_a_file_that_changed_meanwhile_is_not_overwritten_and_no_other_either(
    path: Path, tmp_path: Path
) -> None:
    other = new_file(tmp_path / "other.yaml", {"id": "other"})
    wanted = edit(path, {("id",): "x"})
    path.write_text(TEXT + 'ring: "early"\n')
    with pytest.raises(UsageError, match=r'(?s)changed since it was read:.*\+ring: "early"'):
        write([other, wanted])
    assert path.read_text().endswith('ring: "early"\n')
    assert not other.path.exists()


def test_a_file_that_appeared_or_went_meanwhile_is_left_alone(path: Path, tmp_path: Path) -> None:
    made = new_file(tmp_path / "new.yaml", {"id": "new"})
    made.path.write_text("somebody else's\n")
    gone = edit(path, {("id",): "x"})
    path.unlink()
    with pytest.raises(UsageError) as caught:
        write([made, gone])
    assert len(caught.value.problems) == 2
    assert made.path.read_text() == "somebody else's\n"
    assert not path.exists()


def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = edit(path, {("id",): "x"})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="cannot be written: no space left on device"):
        write([wanted])
    assert path.read_text() == TEXT
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    write([edit(link, {("id",): "x"})])
    assert link.is_symlink()
    assert 'id: "x"' in path.read_text()


def _hold(lock: Path, held: Event, done: Event) -> None:
    with alone(lock):
        held.set()
        done.wait(30)


def test_two_editors_are_kept_apart(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "registry.lock"
    context = get_context("fork")
    held, done = context.Event(), context.Event()
    editor = context.Process(target=_hold, args=(lock, held, done))
    editor.start()
    try:
        assert held.wait(30)
        with (
            pytest.raises(UsageError, match="another edit of the registry is under way"),
            alone(lock, seconds=0.05),
        ):
            pytest.fail("both editors are at work")
    finally:
        done.set()
        editor.join(30)
    with alone(lock, seconds=5):
        assert Edit(path=lock, before=b"", after=b"").changes is False
