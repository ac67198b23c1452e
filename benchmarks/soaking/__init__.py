"""What benchmarks/soak.py is made of: kinds of prompts, a server that tells its memory, the
judgement."""
