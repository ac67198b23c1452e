"""Many clips over many servers: a table of rows, each a clip; engines that render them; a manifest
of what is done. `fleet.py` at the root is its command.

Standard library alone, but for `on_ray.py`, which needs Ray. Scripts put the root on the path, and
so does Ray for its workers: the launcher is imported from there.
"""
