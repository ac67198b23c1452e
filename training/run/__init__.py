"""The two ways in: from a node in ComfyUI's queue, and from a terminal on one GPU or many."""
