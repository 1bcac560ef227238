"""The command `iotistic` and everything that runs around the program."""
