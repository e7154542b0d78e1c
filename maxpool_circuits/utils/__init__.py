"""Checks of arguments, and files."""
