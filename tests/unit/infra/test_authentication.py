"""What the broker's plugin is told, against the options that its README documents."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import authentication
from infra.customer.instance import manifests
from infra.images import load_images
from tenants.errors import UsageError
from tests.program.instances import instance_of
from tests.program.variants import VARIANTS

if TYPE_CHECKING:
    from infra.customer.model import Instance

GENERAL = {
    "backends": {"http", "postgres"},
    "hasher": {"bcrypt", "pbkdf2", "argon2id"},
    "cache": {"true", "false"},
    "cache_type": {"go-cache", "redis"},
    "auth_cache_seconds": None,
    "acl_cache_seconds": None,
    "log_level": {"debug", "info", "warn", "error", "fatal", "panic"},
}
"""Options of every way, with the values that one may have where these are words."""

OF_HTTP = {
    "host": None,
    "port": None,
    "getuser_uri": None,
    "superuser_uri": None,
    "aclcheck_uri": None,
    "with_tls": {"true", "false"},
    "verify_peer": {"true", "false"},
    "response_mode": {"status", "json", "text"},
    "params_mode": {"json", "form"},
    "timeout": None,
    "user_agent": None,
    "method": {"POST", "GET", "PUT"},
}
OF_POSTGRES = {
    "host": None,
    "port": None,
    "user": None,
    "password": None,
    "dbname": None,
    "userquery": None,
    "superquery": None,
    "aclquery": None,
    "sslmode": {"disable", "require", "verify-ca", "verify-full"},
    "sslcert": None,
    "sslkey": None,
    "sslrootcert": None,
    "connect_tries": None,
    "max_life_time": None,
}
MANDATORY = {
    "http": {"http_host", "http_port", "http_getuser_uri", "http_aclcheck_uri"},
    "postgres": {"pg_user", "pg_password", "pg_dbname", "pg_userquery"},
}
DANGEROUS_TO_LEAVE_OUT = {
    # Without the query everybody may do everything, without the address nobody is a superuser.
    "http": {"http_superuser_uri"},
    "postgres": {"pg_aclquery", "pg_superquery", "hasher", "pg_sslmode"},
}
DOCUMENTED: dict[str, set[str] | None] = {
    **GENERAL,
    **{f"http_{name}": values for name, values in OF_HTTP.items()},
    **{f"pg_{name}": values for name, values in OF_POSTGRES.items()},
}


def asking(way: str) -> Instance:
    return instance_of("acme", surroundings={"mqtt_authentication": way})


def told(way: str) -> dict[str, str]:
    """Return the options as they are rendered, with the password that the pod adds."""
    (files,) = (item["data"] for item in manifests(asking(way)) if item["kind"] == "ConfigMap")
    lines = files["mosquitto.conf"].splitlines()
    assert lines.index("auth_plugin /mosquitto/go-auth.so") < min(
        number for number, line in enumerate(lines) if line.startswith("auth_opt_")
    )
    options = [line.removeprefix("auth_opt_") for line in lines if line.startswith("auth_opt_")]
    added = [
        line.split("auth_opt_")[1].split("%s")[0] + "added"
        for line in files.get("broker-password.sh", "").splitlines()
        if "auth_opt_" in line
    ]
    found = dict(option.split(" ", 1) for option in (*options, *added))
    assert len(found) == len(options) + len(added), "an option is set twice"
    return found


@pytest.mark.parametrize("way", ["http", "postgres"])
def test_every_option_is_one_that_the_plugin_documents(way: str) -> None:
    options = told(way)
    assert set(options) <= set(DOCUMENTED)
    for name, value in options.items():
        allowed = DOCUMENTED[name]
        assert allowed is None or value in allowed, f"{name} {value}"
        if name.endswith(("seconds", "port", "timeout")):
            assert int(value) > 0
    assert options["backends"] == way
    assert set(options) >= MANDATORY[way] | DANGEROUS_TO_LEAVE_OUT[way]


@pytest.mark.parametrize("way", ["http", "postgres"])
def test_no_password_is_in_a_file_that_is_not_secret(way: str) -> None:
    objects = manifests(asking(way))
    (files,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert not any(asking(way).credentials.database_broker in text for text in files.values())
    (secret,) = (
        item for item in objects if (item["kind"], item["metadata"]["name"]) == ("Secret", "database")
    )
    assert (authentication.PASSWORD_KEY in secret["stringData"]) == (way == "postgres")


def reaches(objects: list[dict[str, Any]], source: str, target: str) -> bool:
    """Return whether policies let one workload's pods out to another's, and in there."""
    policies = {item["metadata"]["name"]: item["spec"] for item in objects if item["kind"] == "NetworkPolicy"}

    def named(peers: list[dict[str, Any]]) -> set[str]:
        labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in peers]
        return {label["app.kubernetes.io/name"] for label in labels if "app.kubernetes.io/name" in label}

    out = any(target in named(rule["to"]) for rule in policies[source]["egress"])
    into = any(source in named(rule["from"]) for rule in policies[target]["ingress"])
    assert out == into, "a connection is open at one end only"
    return out


@pytest.mark.parametrize(("way", "whom"), [("http", "api"), ("postgres", "postgres")])
def test_the_broker_reaches_whom_it_asks_and_nobody_else(way: str, whom: str) -> None:
    objects = manifests(asking(way))
    assert [name for name in ("api", "postgres") if reaches(objects, "mosquitto", name)] == [whom]


def test_it_costs_no_object() -> None:
    assert len(manifests(asking("postgres"))) == len(manifests(asking("http"))) == 32


def with_api(version: str, instance: Instance) -> Instance:
    return dataclasses.replace(instance, images=load_images().pinned(version))


def test_passwords_that_the_broker_cannot_read_are_refused_for_all_at_once() -> None:
    readable = with_api("2.1.0", asking("postgres"))
    others = [with_api(version, asking("postgres")) for version in ("0.0.4", "1.9.3", "20.1.0")]
    with pytest.raises(UsageError) as refusal:
        authentication.refuse_unreadable([readable, *others], where="Pulumi.dev.yaml")
    problems = refusal.value.problems
    assert [problem.where for problem in problems] == ["Pulumi.dev.yaml: iotistic:mqttAuthentication"] * 3
    assert "acme has the API 0.0.4" in problems[0].what


def test_who_does_not_ask_the_database_may_have_any_api() -> None:
    managed = VARIANTS["managed broker"]("acme")
    surroundings = dataclasses.replace(managed.surroundings, mqtt_authentication="postgres")
    instances = [asking("http"), dataclasses.replace(managed, surroundings=surroundings)]
    authentication.refuse_unreadable([with_api("0.0.4", item) for item in instances], where="")


def test_only_a_broker_that_asks_the_database_waits_for_it_and_not_for_long() -> None:
    def limit(way: str) -> list[dict[str, str]]:
        (pod,) = (
            item["spec"]["template"]["spec"]
            for item in manifests(asking(way))
            if (item["kind"], item["metadata"]["name"]) == ("StatefulSet", "mosquitto")
        )
        (broker,) = (item for item in pod["containers"] if item["name"] == "mosquitto")
        return list(broker["env"])

    assert limit("http") == []
    # What the plugin's library reads: https://pkg.go.dev/github.com/lib/pq#hdr-Connection_String_Parameters
    assert limit("postgres") == [{"name": "PGCONNECT_TIMEOUT", "value": "5"}]
