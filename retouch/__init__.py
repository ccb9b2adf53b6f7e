"""Retouch: retrain only what the alert touched."""

from __future__ import annotations
