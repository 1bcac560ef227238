"""Which stacks a change is about."""

from __future__ import annotations

import pytest

from ops.automation.affected import affected_stacks

STACKS = {"dev": "dev", "prod": "prod", "demo": "dev"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["tenants/registry/dev/acme.yaml"], ["demo", "dev"]),
        (["tenants/registry/prod/_removed.yaml"], ["prod"]),
        (["tenants/registry/nowhere/acme.yaml"], []),
        (["Pulumi.demo.yaml"], ["demo"]),
        (["Pulumi.gone.yaml"], []),
        (["Pulumi.yaml"], ["demo", "dev", "prod"]),
        (["infra/customer/api.py"], ["demo", "dev", "prod"]),
        (["a-new-kind-of-file"], ["demo", "dev", "prod"]),
        (["README.md", "docs/guides/x.md", "tests/unit/x.py", "ops/cli/ci.py"], []),
        (["docs/x.md", "tenants/registry/prod/x.yaml"], ["prod"]),
        ([], []),
    ],
)
def test_the_files_say_which_stacks(files: list[str], expected: list[str]) -> None:
    assert affected_stacks(files, STACKS) == expected
