"""Pixels and words -> latents and text embeddings on disk."""
