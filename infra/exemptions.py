"""What linters of manifests object to and we do on purpose, each with its reason.

An exemption is an annotation of the object itself, so that everybody who lints what is
rendered gets the same answer: kube-score reads one list, checkov one entry a check with the
reason in it. docs/decisions/0058 says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Something that a linter would rather have otherwise.

    Attributes:
        what: What it objects to.
        why: Why it is as it is. Checkov shows it beside the object.
        kube_score: What kube-score calls it.
        checkov: What checkov calls it; several where it sees several faults in one.
    """

    what: str
    why: str
    kube_score: str | None = None
    checkov: tuple[str, ...] = ()


PULLED_ONCE: Final = Exemption(
    what="images are not pulled anew at every start",
    why="tags are exact, and a pod has to start again while the registry is away",
    kube_score="container-image-pull-policy",
    checkov=("CKV_K8S_15",),
)
EXACT_TAG: Final = Exemption(
    what="images are named by exact tag, not always by digest",
    why="a digest is set where versions.yaml or the stack names one; a mirror of ones own may have another",
    checkov=("CKV_K8S_43",),
)
IMAGES_USER: Final = Exemption(
    what="users and groups have numbers below 10000",
    why="the number is the image's own: its files belong to it, and PostgreSQL wants it to have a name",
    kube_score="container-security-context-user-group-id",
    checkov=("CKV_K8S_40",),
)
SAME_QUESTION: Final = Exemption(
    what="liveness asks the same as readiness",
    why="the question stays inside the pod, and liveness is asked four times as patiently",
    kube_score="pod-probes-identical",
)
NO_HEADLESS_SERVICE: Final = Exemption(
    what="the Service of a StatefulSet is not headless",
    why="its one pod is reached by an address that stays when the pod moves; nobody asks for it by number",
    kube_score="statefulset-has-servicename",
)
SECRET_IN_ENVIRONMENT: Final = Exemption(
    what="a secret is handed over in the environment, by reference",
    why="the image reads it from nowhere else",
    checkov=("CKV_K8S_35",),
)
UNPROBED_WATCHER: Final = Exemption(
    what="a container has no probes",
    why="it only watches the one beside it and serves nobody, so there is nothing to ask",
    checkov=("CKV_K8S_8", "CKV_K8S_9"),
)
PODS_OF_ANOTHER: Final = Exemption(
    what="a policy selects no pod that is declared",
    why="its pods are made by cert-manager, for as long as it proves a name",
    kube_score="networkpolicy-targets-pod",
)

OF_EVERY_POD: Final = (PULLED_ONCE, EXACT_TAG, IMAGES_USER)
"""What holds for whatever runs a pod."""

OF_EVERY_SERVER: Final = (*OF_EVERY_POD, SAME_QUESTION)
"""What holds for whatever runs a pod that stays and is asked for its health."""

ALL: Final = (
    *OF_EVERY_SERVER,
    NO_HEADLESS_SERVICE,
    SECRET_IN_ENVIRONMENT,
    UNPROBED_WATCHER,
    PODS_OF_ANOTHER,
)


def as_annotations(*exemptions: Exemption) -> dict[str, str]:
    """Return the annotations that tell the linters of an object's exemptions."""
    ignored = ",".join(item.kube_score for item in exemptions if item.kube_score)
    skipped = [f"{check}={item.why}" for item in exemptions for check in item.checkov]
    return {
        "kube-score/ignore": ignored,
        **{f"checkov.io/skip{number}": text for number, text in enumerate(skipped, start=1)},
    }
