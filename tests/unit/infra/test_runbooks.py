"""Every alert links to a section of a runbook that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.customer.monitoring import rule_groups
from infra.platform.monitoring import manifests
from tenants.sizing import OPTIONAL
from tests.program.instances import instance_of, with_options

ROOT = Path(__file__).parents[3]
GROUPS = [
    *rule_groups(with_options("acme", *OPTIONAL))["groups"],
    *rule_groups(instance_of("acme", runs=False))["groups"],
    *(
        group
        for item in manifests("dev", edge=True, billing=True, backups=True)
        for group in item["spec"]["groups"]
    ),
]
LINKS = {rule["annotations"]["runbook"] for group in GROUPS for rule in group["rules"] if "alert" in rule}
PAGES = sorted({link.partition("#")[0] for link in LINKS})


@pytest.mark.parametrize("page", PAGES)
def test_each_alert_has_a_section_and_each_section_an_alert(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
    assert {link for link in LINKS if link.startswith(f"{page}#")} == {f"{page}#{name}" for name in sections}


@pytest.mark.parametrize("page", PAGES)
def test_each_section_has_a_command_that_shows_the_fault(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        assert re.search(r"^```\n(kubectl|\.venv/bin/iotistic) ", section, re.MULTILINE), section
