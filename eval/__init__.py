"""Measuring commands: each prints the figures that the documentation states."""
