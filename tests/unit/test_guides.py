"""Guides whose commands are other programs' too do what they say."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from infra.settings import Settings
from ops.stack_config import project_defaults
from tenants.secrets import MASTER_KEY_BYTES
from tests.unit.test_docs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GUIDES = ROOT / "docs" / "guides"
TASKS = (
    "add-a-tenant",
    "change-a-tenant",
    "suspend-a-tenant",
    "decommission-a-tenant",
    "restore-a-tenant",
    "restore-a-removed-file",
    "upgrade",
    "rotate-secrets",
    "recover",
)


@pytest.fixture
def step() -> Callable[[str, str], str]:
    """Return the block of a guide in which a word stands, as a shell takes it."""

    def find(guide: str, word: str) -> str:
        text = (GUIDES / f"{guide}.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        (found,) = [block for block in blocks if word in block]
        return str(found)

    return find


@pytest.mark.parametrize("page", ["README.md", "docs/guides/README.md"])
def test_every_guide_can_be_found(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    wanted = set(TASKS) if page == "README.md" else {path.stem for path in GUIDES.glob("*.md")} - {"README"}
    assert {name for name in wanted if f"{name}.md" not in text} == set()


def test_both_licence_keys_go_into_one_secret(
    step: Callable[[str, str], str],
    tmp_path: Path,
    licence_private_key: str,
    next_licence_private_key: str,
) -> None:
    (tmp_path / "new-key").mkdir()
    (tmp_path / "old.pem").write_text(licence_private_key, encoding="utf-8")
    (tmp_path / "new-key" / "licence-private.pem").write_text(next_licence_private_key, encoding="utf-8")
    block = step("rotate-secrets", "licencePrivateKeys")
    command = block[block.index("python3 ") :].partition("| pulumi")[0]
    given = subprocess.run(
        ["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    kept = Settings.model_validate(complete(given.stdout)).licence_private_keys
    assert kept == {1: licence_private_key, 2: next_licence_private_key}


def test_a_new_master_key_is_one(step: Callable[[str, str], str], licence_private_key: str) -> None:
    command = step("rotate-secrets", "masterKey").partition("| pulumi")[0]
    keys = set()
    for _ in range(2):
        made = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=True)
        values = complete(json.dumps({"1": licence_private_key}), master_key=made.stdout.strip())
        keys.add(Settings.model_validate(values).master_key)
    assert [len(key) for key in keys] == [MASTER_KEY_BYTES] * 2


def complete(licence_keys: str, *, master_key: str = "A" * 43 + "=") -> dict[str, str]:
    """A configuration with these secrets, as the engine hands it on."""
    return {
        **project_defaults(ROOT),
        "environment": "dev",
        "domain": "iotistic.localhost",
        "cluster": "simulated",
        "clusterIdentifier": "test",
        "kubeconfig": "kubeconfig",
        "kubeContext": "test",
        "storageClass": "standard",
        "masterKey": master_key,
        "licencePrivateKeys": licence_keys,
    }
