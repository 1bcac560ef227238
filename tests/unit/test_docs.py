"""What the documents name has to exist."""

from __future__ import annotations

import re
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


def test_make_targets_exist(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {match for span in spans(text) for match in re.findall(r"(?:^|\s)make ([a-z-]+)", span)}
    assert used - targets == set()


def test_commands_of_iotistic_exist(text: str) -> None:
    unknown = []
    for span in spans(text):
        for words in re.findall(r"(?:^|[\s/])iotistic((?: [a-z-]+)+)", span):
            command = get_command(app)
            for word in words.split():
                commands = getattr(command, "commands", None)
                if commands is None:
                    break
                if word not in commands:
                    unknown.append(f"iotistic{words}")
                    break
                command = commands[word]
    assert unknown == []
