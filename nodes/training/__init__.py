"""Nodes for clips, for AnimateDiff's three training stages, and for measuring motion."""
