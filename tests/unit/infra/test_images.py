from __future__ import annotations

from dataclasses import astuple, fields
from typing import TYPE_CHECKING

import pytest

from infra.images import Image, Images, ImageSource, load_images, load_platform_image, parse
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'a1' * 32}"


def test_publishers_are_asked_unless_told_otherwise() -> None:
    assert str(load_images().postgres).startswith("docker.io/library/postgres:15.")


def test_a_mirror_stands_for_every_publisher() -> None:
    source = ImageSource(mirror="mirror.example.com:5000/hub")
    found = load_images(source)
    published = load_images()
    for item in fields(Images):
        image, before = getattr(found, item.name), getattr(published, item.name)
        assert image.repository.startswith("mirror.example.com:5000/hub/")
        assert image.repository.removeprefix("mirror.example.com:5000/hub/") in before.repository
        assert image.version == before.version
    assert found.postgres.repository == "mirror.example.com:5000/hub/library/postgres"
    assert load_platform_image("haproxy", source).repository == "mirror.example.com:5000/hub/library/haproxy"


def test_a_digest_survives_the_mirror() -> None:
    source = ImageSource(mirror="mirror.example.com")
    found = source.find("x", Image("quay.io/team/x", "1.2", DIGEST))
    assert str(found) == f"mirror.example.com/team/x:1.2@{DIGEST}"


def test_a_name_without_a_registry_keeps_its_whole_path() -> None:
    found = ImageSource(mirror="mirror.example.com").find("x", Image("team/x", "1"))
    assert found.repository == "mirror.example.com/team/x"


def test_an_override_is_taken_as_it_is_and_leaves_the_others_alone() -> None:
    reference = f"registry.local:5000/own/postgres:15.15@{DIGEST}"
    source = ImageSource(mirror="mirror.example.com", overrides={"postgres": reference})
    source.check(where="Pulumi.dev.yaml")
    found = load_images(source)
    assert str(found.postgres) == reference
    assert found.mosquitto.repository.startswith("mirror.example.com/")


def test_a_reference_is_read_into_its_parts() -> None:
    assert astuple(parse("ghcr.io/a/b:1")) == ("ghcr.io/a/b", "1", None)


@pytest.mark.parametrize(
    "reference",
    [
        "postgres",
        "docker.io/library/postgres",
        "docker.io/postgres:latest",
        f"docker.io/a/b@{DIGEST}",
        "a b:1",
    ],
)
def test_an_override_without_an_exact_tag_is_refused(reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        ImageSource(overrides={"postgres": reference}).check(where="Pulumi.dev.yaml")
    [problem] = caught.value.problems
    assert problem.where == "Pulumi.dev.yaml: iotistic:imageOverrides.postgres"
    assert "is no exact reference" in problem.what


def test_all_mistakes_are_told_at_once() -> None:
    source = ImageSource(mirror="https://mirror", overrides={"postgers": "docker.io/a/b:1", "api": "x"})
    with pytest.raises(UsageError) as caught:
        source.check(where="Pulumi.dev.yaml")
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == [
        "imageMirror",
        "imageOverrides.api",
        "imageOverrides.postgers",
    ]
    assert "haproxy" in caught.value.problems[2].how


def test_a_digest_in_the_versions_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "versions.yaml"
    file.write_text(
        f"platform_images: {{x: {{repository: quay.io/x/x, version: '1', digest: '{DIGEST}'}}}}\n",
        encoding="utf-8",
    )
    assert str(load_platform_image("x", path=file)) == f"quay.io/x/x:1@{DIGEST}"
