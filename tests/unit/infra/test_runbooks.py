"""Every alert links to a section of the runbook that exists."""

from __future__ import annotations

import re
from pathlib import Path

from infra.customer.monitoring import RUNBOOKS, rule_groups
from tenants.sizing import OPTIONAL
from tests.program.instances import with_options

ROOT = Path(__file__).parents[3]


def links() -> set[str]:
    groups = rule_groups(with_options("acme", *OPTIONAL))["groups"]
    return {rule["annotations"]["runbook"] for group in groups for rule in group["rules"] if "alert" in rule}


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    text = (ROOT / RUNBOOKS).read_text(encoding="utf-8")
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
    assert links() == {f"{RUNBOOKS}#{section}" for section in sections}


def test_each_section_has_a_command_that_shows_the_fault() -> None:
    text = (ROOT / RUNBOOKS).read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        assert re.search(r"^```\n(kubectl|\.venv/bin/iotistic) ", section, re.MULTILINE), section
