"""Measurements of what grows with the number of tenants."""
