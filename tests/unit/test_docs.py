"""What the documents name has to exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from ops.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
MADE_LATER = (".venv/", ".local/", ".tools/", "build/")
TOP_LEVEL = {path.name for path in ROOT.iterdir()}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def text(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def spans(text: str) -> list[str]:
    """Return everything that is set as code, blocks line by line."""
    blocks = [line for block in FENCE.findall(text) for line in block.splitlines()]
    return CODE.findall(FENCE.sub("", text)) + blocks


def test_paths_exist(text: str) -> None:
    missing = []
    for span in spans(text):
        path = span.split()[0].split(":")[0] if span.split() else ""
        named = path.split("/")[0] in TOP_LEVEL and "/" in path
        if named and not path.startswith(MADE_LATER) and not set(path) & set("<>*{$"):
            missing += [path] if not (ROOT / path).exists() else []
    assert missing == []


def test_the_readme_says_what_is_in_every_folder() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folders = {name.split("/")[0] for name in listing.stdout.split("\0") if "/" in name}
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Where things are")[1]
    assert {folder for folder in folders if f"`{folder}/`" not in table} == set()


def test_make_targets_exist(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {match for span in spans(text) for match in re.findall(r"(?:^|\s)make ([a-z-]+)", span)}
    assert used - targets == set()


def options_of(words: list[str]) -> set[str] | None:
    """Return the options of the command that the words lead to, or None if there is no such command."""
    command = get_command(app)
    for word in words:
        commands = getattr(command, "commands", None)
        if commands is None or not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        if word not in commands:
            return None
        command = commands[word]
    return {name for parameter in command.params for name in parameter.opts} | {"--help"}


def unknown_words(line: str) -> list[str]:
    """Return what of each use of the command does not exist: the use, or its options."""
    unknown = []
    for use in re.findall(r"(?:^|[\s/])iotistic((?: [^\s|;)]+)+)", line):
        words = use.split("#")[0].split()
        known = options_of(words)
        if known is None:
            unknown.append(f"iotistic{use}")
            continue
        options = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        unknown += sorted(options - known)
    return unknown


def test_commands_of_iotistic_exist_with_their_options(text: str) -> None:
    lines = spans(text.replace("\\\n", ""))
    assert [word for line in lines for word in unknown_words(line)] == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert unknown_words(".venv/bin/iotistic tenant list --env prod") == []
    assert unknown_words("iotistic tenant lost") == ["iotistic tenant lost"]
    assert unknown_words("iotistic tenant list --everything=1 --json") == ["--everything"]


def anchors(page: Path) -> set[str]:
    """Return what can stand behind ``#`` in a link to a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file or no heading."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" in link or link.startswith("mailto:"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](#a-heading) [b](page.md#other) [c](gone.md) [d](https://example.com)\n")
    assert broken_links(page) == ["page.md#other", "gone.md"]


def test_each_runbook_is_in_the_index() -> None:
    folder = ROOT / "docs/runbooks"
    pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([a-z-]+\.md)\)", (folder / "README.md").read_text())) == pages
