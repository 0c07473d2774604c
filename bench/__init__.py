"""Measurements of speed and memory: ``python -m bench``. Never part of the tests: a timed test fails on a busy machine."""
