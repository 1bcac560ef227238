"""A public authority's certificates, by a record in the DNS: issued, served, renewed while clients stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.outside import DOMAIN, host
from tests.node.renewals import CUSTOMER

if TYPE_CHECKING:
    from tests.node.renewals import Renewals

pytestmark = pytest.mark.node


@pytest.mark.parametrize(("place", "name"), [("edge", f"*.{DOMAIN}"), ("broker", host(CUSTOMER))])
def test_what_it_signed_is_served(renewals: Renewals, place: str, name: str) -> None:
    for served in (renewals.public[place].before, renewals.public[place].after):
        assert served.names == [name]
        assert served.issuer.startswith("Pebble Intermediate")


@pytest.mark.parametrize("place", ["edge", "broker"])
def test_its_renewal_comes_by_itself_and_drops_no_client(renewals: Renewals, place: str) -> None:
    renewal = renewals.public[place]
    assert renewal.after.serial != renewal.before.serial
    assert "still here" in renewal.said
    assert renewal.said.count("received CONNACK") == 1
