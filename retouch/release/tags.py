"""GTO's tags. They are defined where what reads them from git may import them."""

from __future__ import annotations

from retouch.pipeline.version_tags import Kind, Tag, parse_tag, tag_name

__all__ = ["Kind", "Tag", "parse_tag", "tag_name"]
