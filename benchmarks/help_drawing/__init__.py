"""The animations of the help pages: the small world's models behind the pack's own nodes."""
