"""The dev environment on this machine: tools, embedded cluster, first secrets."""
