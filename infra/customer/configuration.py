"""The one ConfigMap of an instance: the files of all its workloads.

One object instead of one per workload keeps a fleet fast. Each pod mounts only the files it
reads, and its template carries their checksum, so a changed file rolls only its readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer import (
    backup,
    dashboard,
    grafana,
    migrations,
    mosquitto,
    nodered,
    postgres,
    prometheus,
    settle,
)
from infra.customer.pods import CONFIG

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance


def config_map(instance: Instance) -> Manifest:
    """Return the ConfigMap."""
    files = {
        **postgres.configuration(),
        **migrations.configuration(),
        **settle.configuration(instance),
        **dashboard.configuration(instance),
    }
    if instance.own_broker:
        files |= mosquitto.configuration(instance)
    if instance.surroundings.backups:
        files |= backup.configuration(instance)
    options = instance.tenant.options
    if options.node_red:
        files |= nodered.configuration()
    if options.prometheus:
        files |= prometheus.configuration(instance)
    if options.grafana:
        files |= grafana.configuration(instance)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": instance.metadata(CONFIG, app="customer-instance", component="configuration"),
        "data": files,
    }
