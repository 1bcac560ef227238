"""A real node for the embedded cluster: pods that run, and packets that are dropped."""
