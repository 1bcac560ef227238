"""The command line `iotistic`."""
