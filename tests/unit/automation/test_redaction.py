"""Secrets stay out of what people read."""

from __future__ import annotations

import pytest

from ops.automation.redaction import HIDDEN, names_a_secret, redact

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJjdXN0b21lciI6ImFjbWUifQ.c2lnbmF0dXJl"  # noqa: S105 - an example


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE cut off in the middle",
        TOKEN,
        "ghp_" + "a1" * 18,
        "sk_live_" + "4e" * 12,
        "whsec_" + "4e" * 12,
        "AKIA" + "ABCD" * 4,
    ],
)
def test_what_looks_like_a_secret_is_hidden(secret: str) -> None:
    assert redact(f"before {secret}") == f"before {HIDDEN}"


def test_a_log_in_is_hidden_and_its_address_is_not() -> None:
    assert (
        redact("postgres://api:hunter2@postgres:5432/db?x=1") == f"postgres://{HIDDEN}@postgres:5432/db?x=1"
    )
    assert redact("user=api password=hunter2 host=x") == f"user=api password={HIDDEN} host=x"
    assert redact(f"Authorization: Bearer {TOKEN}") == f"Authorization: Bearer {HIDDEN}"


def test_other_text_is_left_alone() -> None:
    text = "docker.io/iotistic/api:2.0.10 spec.replicas 1 -> 3 https://acme.iotistic.cloud/api"
    assert redact(text) == text


@pytest.mark.parametrize(
    "path", ["stringData.password", "masterKey", "spec.apiKey", "data.licence", "kubeconfig"]
)
def test_a_path_can_name_a_secret(path: str) -> None:
    assert names_a_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        "spec.replicas",
        "spec.tls[0].secretName",
        "spec.template.spec.automountServiceAccountToken",
        "spec.containers[0].env[0].valueFrom.secretKeyRef.name",
    ],
)
def test_a_path_that_only_mentions_one_names_none(path: str) -> None:
    assert not names_a_secret(path)
