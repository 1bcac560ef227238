"""The images that a node has: brought from this machine, since the node itself reaches no registry."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.images import parse
from ops.local.node import debian, debian_images
from ops.local.node.archive import ImageSpec, write_archive, write_layer
from ops.local.node.commands import NodeError, which
from ops.local.node.debian_images import ARCHIVE
from ops.local.node.manifests import coredns_image
from ops.local.progress import step
from ops.local.sources import SourceFailedError
from ops.local.store import exclusive, new_folder
from ops.local.tools import ROOT
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

    from ops.local.node.namespaces import Namespaces
    from ops.local.tools import Toolbox

PAUSE: Final = "registry.k8s.io/pause:local"
"""The image of the process that holds a pod's namespaces."""
CACHE: Final = ROOT / ".tools" / "images"
"""Where finished archives are kept, by a fingerprint of what they are made from."""


@dataclass(frozen=True, slots=True)
class NodeImages:
    """The images of one node.

    Attributes:
        namespaces: The node.
        toolbox: Where CoreDNS is.
        console: Where progress is shown.
    """

    namespaces: Namespaces
    toolbox: Toolbox
    console: Console

    def present(self) -> set[str]:
        """Return the references of all images that the node has."""
        return set(self._ctr("images", "list", "--quiet").split())

    def ensure_own(self) -> None:
        """Bring the images that the node itself needs.

        Raises:
            UsageError: Debian's archive is not in reach, and the image was not loaded either.
        """
        present = self.present()
        if PAUSE not in present:
            try:
                self.bring(f"{PAUSE} 1", _pause)
            except SourceFailedError as error:
                raise _no_pause(error) from error
        coredns = self.toolbox.path("coredns")
        image = coredns_image(self.toolbox)
        if image not in present:
            self.bring(image, lambda folder: _coredns(folder, coredns, image))

    def ensure_published(self, references: Sequence[str]) -> None:
        """Fetch the images that the node lacks, through this machine's network: it has none itself.

        What no registry in reach offers is made from Debian packages where that can stand in.

        Raises:
            UsageError: With one problem for each image that cannot be had.
        """
        present = self.present()
        missing = sorted(reference for reference in set(references) if _known_as(reference) not in present)
        failed: dict[str, str] = {}
        for number, reference in enumerate(missing, start=1):
            with step(self.console, f"[{number}/{len(missing)}] image {reference}") as say:
                say("fetching")
                try:
                    self._ctr("images", "pull", _known_as(reference), network=False)
                except NodeError as error:
                    failed[reference] = str(error).splitlines()[-1]
        for reference in self._make(failed):
            self.console.print(f"{reference} is not in reach: Debian's packages stand in for it")
            del failed[reference]
        if failed:
            raise UsageError([_unobtainable(reference, why) for reference, why in failed.items()])

    def load(self, archive: Path) -> list[str]:
        """Import an archive of images, as ``docker save`` writes it.

        Returns:
            The references of its images.

        Raises:
            UsageError: It is no such archive.
        """
        before = self.present()
        try:
            self._ctr("images", "import", str(archive.resolve(strict=True)))
            self._name_by_digest(self.present() - before)
        except (FileNotFoundError, NodeError) as error:
            raise UsageError.of(
                where=str(archive),
                what=f"is no archive of images: {str(error).splitlines()[-1]}",
                why="the node would have none of them",
                how="write one where the image is: docker save --output images.tar <reference>...",
            ) from error
        return sorted(name for name in self.present() - before if _is_tagged(name))

    def _name_by_digest(self, references: set[str]) -> None:
        """Give images the names under which pods find them that pin their content."""
        for line in self._ctr("images", "list").splitlines()[1:]:
            reference, _, digest, *_ = line.split()
            if reference in references and _is_tagged(reference):
                pinned = f"{reference.rpartition(':')[0]}@{digest}"
                self._ctr("images", "tag", "--force", reference, pinned)

    def _make(self, references: Iterable[str]) -> list[str]:
        """Make what stands in for published images, and return for which there is something."""
        found = {name: debian_images.stand_in(name) for name in references}
        makers = {name: make for name, make in found.items() if make is not None}
        if not makers:
            return []
        try:
            self.bring(
                "\n".join([*makers, debian_images.recipe()]),
                lambda folder: debian_images.write_images(folder, makers),
            )
        except SourceFailedError:
            # This is no Debian, or its archive is as far away as the registries.
            return []
        return list(makers)

    def bring(self, recipe: str, build: Callable[[Path], None]) -> None:
        """Import an archive of images, built first unless the same was built before.

        Args:
            recipe: Everything that the archive is made from, as text.
            build: Writes ``image.tar`` into the folder it is given.
        """
        # Unpacked here, once: of containers that start together each would unpack its image by itself,
        # with the large layer that all of them share.
        self._ctr("images", "import", str(built_archive(recipe, build, self.console)))

    def _ctr(self, *arguments: str, network: bool = True) -> str:
        return self.namespaces.run(which("ctr"), "--namespace=k8s.io", *arguments, network=network)


def built_archive(recipe: str, build: Callable[[Path], None], console: Console) -> Path:
    """Return an archive of images, built first unless the same was built before.

    Args:
        recipe: Everything that the archive is made from, as text.
        build: Writes ``image.tar`` into the folder it is given.
        console: Told if somebody else is building it.
    """
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    with exclusive(CACHE / f".{key}.lock", console, what="building images"):
        if not (CACHE / key / ARCHIVE).exists():
            with new_folder(CACHE / key) as unfinished:
                build(unfinished)
    return CACHE / key / ARCHIVE


def _known_as(reference: str) -> str:
    """Return the name under which the node's runtime looks for an image: of a pinned one, without its tag."""
    image = parse(reference)
    return reference if image.digest is None else f"{image.repository}@{image.digest}"


def _is_tagged(name: str) -> bool:
    """Return whether this is a tag's name for an image, and none that the runtime made of its content."""
    return "/" in name and "@" not in name


def _unobtainable(reference: str, why: str) -> Problem:
    return Problem(
        where=reference,
        what=f"cannot be fetched: {why}",
        why="its pods would wait for it for ever",
        how="connect to the internet, or name a mirror, or load it from a file: "
        "iotistic local node load <archive> (docs/guides/a-real-node.md)",
    )


def _pause(folder: Path) -> None:
    """Write the image of a process that does nothing: a static program that sleeps."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        packages = debian.download(["busybox-static"], Path(work) / "packages", alone=True)
        debian.unpack(packages, Path(work) / "root")
        program = (Path(work) / "root" / "usr" / "bin" / "busybox").read_bytes()
        layer = write_layer(Path(work) / "layer.tar", {"bin/sleep": (program, 0o755)})
        pause = ImageSpec(layers=[layer], entrypoint=["/bin/sleep", "2147483647"], user="65535:65535")
        write_archive(folder / ARCHIVE, {PAUSE: pause})


def _no_pause(error: SourceFailedError) -> UsageError:
    return UsageError.of(
        where=PAUSE,
        what=f"cannot be made of Debian's busybox-static: {error}",
        why="every pod hangs on a process of this image, so none would start",
        how="run apt-get update and try again; where Debian is not in reach, bring it from elsewhere: "
        f"docker pull registry.k8s.io/pause:3.10, docker tag registry.k8s.io/pause:3.10 {PAUSE}, "
        f"docker save --output pause.tar {PAUSE}, then iotistic local node load pause.tar, and run it again",
    )


def _coredns(folder: Path, program: Path, reference: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as work:
        layer = write_layer(Path(work) / "layer.tar", {"coredns": (program.read_bytes(), 0o755)})
        image = ImageSpec(layers=[layer], entrypoint=["/coredns"], user="0:0")
        write_archive(folder / ARCHIVE, {reference: image})
