"""HAProxy itself finds nothing wrong with any configuration that is rendered."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.platform.haproxy import CERTIFICATE_DIRECTORY, CONFIGURATION_DIRECTORY, FILES
from tests.edge.certificates import Authority
from tests.edge.world import program

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.edge

GOLDEN = Path(__file__).parent.parent / "golden"


def configurations() -> Sequence[Path]:
    return sorted(GOLDEN.glob("**/haproxy*.cfg"))


def test_there_are_configurations_to_check() -> None:
    assert {"haproxy", "haproxy-passthrough"} <= {path.stem for path in configurations()}


@pytest.mark.parametrize("path", configurations(), ids=lambda path: path.stem)
def test_haproxy_accepts_it_without_a_warning(path: Path, tmp_path: Path) -> None:
    Authority().issue("*.iotistic.localhost").write(tmp_path)
    text = path.read_text(encoding="utf-8")
    text = text.replace(CERTIFICATE_DIRECTORY, str(tmp_path)).replace(CONFIGURATION_DIRECTORY, str(FILES))
    file = tmp_path / "haproxy.cfg"
    file.write_text(text, encoding="utf-8")
    haproxy = program("haproxy")
    assert haproxy
    answer = subprocess.run([haproxy, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "WARNING" not in answer.stderr
