"""Where everything runs. Each module returns the same small thing: a Cluster."""
