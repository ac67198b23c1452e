"""Nodes that steer an animation: values over frames, adapters, and what a frame is given."""
