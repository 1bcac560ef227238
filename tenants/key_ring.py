"""Replacing the key that signs licences, without a moment in which a licence is false.

An API knows one public key. So a tenant's licence and its API's key change together,
tenant by tenant: the file's ``epochs.licence_key`` names the key of both. While a
rotation runs two keys are known; the tenants move ring by ring; the old key goes when
no tenant names it any more.
"""

from __future__ import annotations

import os
from collections import ChainMap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.errors import Problem, UsageError
from tenants.keys import SigningKey
from tenants.licences import claims_for
from tenants.models import Ring

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenants.tenant import Tenant


@dataclass(frozen=True)
class KeyRing:
    """The signing keys that are known, by number, from 1."""

    keys: Mapping[int, SigningKey]

    @classmethod
    def from_pems(cls, pems: Mapping[int, str]) -> KeyRing:
        """Load the keys from PEM text.

        Raises:
            UsageError: A key that the API would refuse, the same key twice, or none at all.
        """
        where = "licence signing keys"
        if not pems:
            raise UsageError.of(
                where=where,
                what="there is none",
                why="a tenant without a licence is unlimited or locked out, depending on its API",
                how="make one with `iotistic licence keygen`",
            )
        keys = {number: SigningKey.from_pem(pem, where=f"{where}: {number}") for number, pem in pems.items()}
        if len({key.key_id for key in keys.values()}) < len(keys):
            raise UsageError.of(
                where=where,
                what="the same key stands under two numbers",
                why="moving tenants from one to the other would rotate nothing",
                how="make a new key for the new number with `iotistic licence keygen`",
            )
        return cls(keys)

    @property
    def newest(self) -> int:
        """The number of the key that signs new tenants' licences."""
        return max(self.keys)

    def key_for(self, tenant: Tenant) -> SigningKey:
        """Return the key of a tenant, whose public part its API gets.

        Raises:
            UsageError: The tenant names a key that is not there.
        """
        self.check([tenant])
        return self.keys[tenant.epochs.licence_key]

    def sign_for(self, tenant: Tenant) -> str:
        """Return a tenant's licence.

        Raises:
            UsageError: The tenant names a key that is not there.
        """
        return self.key_for(tenant).sign(claims_for(tenant))

    def sign_all(self, tenants: Sequence[Tenant]) -> dict[str, str]:
        """Return the licences of many tenants by their ids, signed on all processors at once.

        Raises:
            UsageError: Each tenant that names a key that is not there.
        """
        self.check(tenants)
        workers = os.cpu_count() or 1
        # One share a worker: a task for each licence would cost more than it spreads.
        shares = [tenants[first::workers] for first in range(workers)]
        with ThreadPoolExecutor(workers) as pool:  # signing does not hold Python's lock
            signed = ChainMap(*pool.map(self._sign_share, shares))
            return {tenant.id: signed[tenant.id] for tenant in tenants}

    def _sign_share(self, tenants: Sequence[Tenant]) -> dict[str, str]:
        return {
            tenant.id: self.keys[tenant.epochs.licence_key].sign(claims_for(tenant)) for tenant in tenants
        }

    def check(self, tenants: Iterable[Tenant]) -> None:
        """Refuse tenants whose key is retired or not made yet.

        Raises:
            UsageError: Each of those tenants.
        """
        known = ", ".join(str(number) for number in sorted(self.keys))
        problems = [
            Problem(
                where=f"{tenant.environment}/{tenant.id}.yaml: epochs.licence_key",
                what=f"there is no licence key {tenant.epochs.licence_key}",
                why="the tenant would have no licence, and its API would stop or run without limits",
                how=f"name a key that is there ({known}), or bring the missing one back",
            )
            for tenant in tenants
            if tenant.epochs.licence_key not in self.keys
        ]
        if problems:
            raise UsageError(problems)

    def retirable(self, tenants: Iterable[Tenant]) -> frozenset[int]:
        """Return the numbers of keys that no tenant names and that are not the newest."""
        used = {tenant.epochs.licence_key for tenant in tenants}
        return frozenset(self.keys) - used - {self.newest}

    def next_to_move(self, tenants: Iterable[Tenant]) -> tuple[Tenant, ...]:
        """Return the tenants that move to the newest key next: those of the first unfinished ring."""
        waiting = [tenant for tenant in tenants if tenant.epochs.licence_key != self.newest]
        for ring in Ring:
            if members := tuple(tenant for tenant in waiting if tenant.ring is ring):
                return members
        return ()
