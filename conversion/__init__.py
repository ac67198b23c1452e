"""Old workflows to this pack's nodes: `python run.py convert OLD NEW`.

A file goes through four hands: `files` reads it, `read_page` or `read_api` says where everything
comes from (`graph`), `rules` say what takes the place of what (`plan`), and `write_page` or
`write_api` puts that into the file's own content and leaves the rest as it is. What the old nodes
and ours look like are tables (`old_nodes`, `new_nodes`). Standard library alone.
"""

from __future__ import annotations


class ConversionError(Exception):
    """A failure told in sentences: what happened, what holds, what to do."""
