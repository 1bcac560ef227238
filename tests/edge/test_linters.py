"""Two linters read every object: no critical finding of kube-score, no failed check of checkov."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from infra import exemptions
from infra.customer.instance import manifests
from ops.local.tools import ensure
from tests.program.instances import as_yaml
from tests.program.variants import INSTANCES

if TYPE_CHECKING:
    from ops.local.tools import Toolbox

pytestmark = pytest.mark.edge

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="module")
def linters() -> Toolbox:
    return ensure(["kube-score", "checkov"], console=Console())


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every golden file of objects, and every plan with every variant."""
    folder = tmp_path_factory.mktemp("rendered")
    for number, instance in enumerate(INSTANCES.values()):
        (folder / f"{number:02}.yaml").write_text(as_yaml(manifests(instance)), encoding="utf-8")
    # Values of charts are no objects.
    goldens = [path for path in GOLDEN.rglob("*.yaml") if not path.stem.endswith("-values")]
    return sorted([*folder.glob("*.yaml"), *goldens])


def critical(linters: Toolbox, file: Path) -> list[str]:
    """Return kube-score's critical findings in a file. Each file stands for itself: names repeat."""
    objects = file.read_text(encoding="utf-8")
    # Where a chart brings the pods, policies and Services seem to be for none.
    of_pods = [f"--ignore-test={kind}-targets-pod" for kind in ("networkpolicy", "service")]
    options = [] if "\n      containers:\n" in objects else of_pods
    answer = subprocess.run(
        [linters.path("kube-score"), "score", "--output-format=ci", *options, file],
        capture_output=True,
        text=True,
        check=False,
    )
    # About kinds that it does not know it keeps silent; what it cannot read it says here.
    assert answer.stderr == ""
    return [line for line in answer.stdout.splitlines() if line.startswith("[CRITICAL]")]


def failed(linters: Toolbox, *files: Path) -> list[tuple[str, str]]:
    """Return checkov's failed checks as number and object."""
    options = ["--framework=kubernetes", "--skip-download", "--quiet", "--compact", "--output=json"]
    answer = subprocess.run(
        [linters.path("checkov"), *options, "--file", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 100
    return [(check["check_id"], check["resource"]) for check in found["results"]["failed_checks"]]


def test_kube_score_finds_nothing_critical(linters: Toolbox, rendered: list[Path]) -> None:
    assert len(rendered) > len(INSTANCES)
    assert [finding for file in rendered for finding in critical(linters, file)] == []


def test_checkov_fails_no_check(linters: Toolbox, rendered: list[Path]) -> None:
    assert failed(linters, *rendered) == []


@pytest.fixture(scope="module")
def unexcused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The objects of one customer without the annotations that excuse them."""
    objects = manifests(INSTANCES["enterprise, proof by web page"])
    for item in objects:
        item["metadata"].pop("annotations", None)
    file = tmp_path_factory.mktemp("unexcused") / "objects.yaml"
    file.write_text(as_yaml(objects), encoding="utf-8")
    return file


def test_every_exemption_is_needed(linters: Toolbox, unexcused: Path) -> None:
    """The tests above can fail: without the exemptions each of these is found."""
    checks = {check for exemption in exemptions.ALL for check in exemption.checkov}
    assert {check for check, _ in failed(linters, unexcused)} == checks
    found = critical(linters, unexcused)
    assert {word for word in WORDS if any(WORDS[word] in line for line in found)} == {
        exemption.kube_score for exemption in exemptions.ALL if exemption.kube_score
    }
    assert [line for line in found if not any(text in line for text in WORDS.values())] == []


WORDS = {
    "container-image-pull-policy": "ImagePullPolicy is not set to Always",
    "container-security-context-user-group-id": "running with a low",
    "networkpolicy-targets-pod": "selector doesn't match any pods",
    "pod-probes-identical": "the same readiness and liveness probe",
    "statefulset-has-servicename": "does not have a valid serviceName",
}
"""What kube-score says, by the name of the check."""
