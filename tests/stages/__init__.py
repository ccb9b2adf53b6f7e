"""Tests of the reference pipeline, on the real data of a shortened spring."""
