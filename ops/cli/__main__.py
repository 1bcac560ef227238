"""``python -m ops.cli`` is ``iotistic`` without an installation."""

from ops.cli.app import main

main()
