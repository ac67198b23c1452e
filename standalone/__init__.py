"""The pack without ComfyUI's server: for train.py, tests, benchmarks and the small world."""
