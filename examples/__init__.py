"""Scripts that use the pack through ComfyUI's API; each runs by itself."""
