"""The templates and blueprints that ship, laid out from short descriptions: `python graphs`.

`example_workflows` and `subgraphs` are what this room writes. Standard library alone, but for the
pictures of `thumbnails.py`.
"""
