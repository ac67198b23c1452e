"""What `python run.py demo` renders with."""
