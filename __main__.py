"""The Pulumi program: one call, so that everything it does can be imported and tested."""

from infra.program import main

main()
