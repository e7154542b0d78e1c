"""The version of the package (read by setup.cfg without importing the package)."""

version = "0.1.0"
