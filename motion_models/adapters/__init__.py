"""Published weights that change an animation beside its motion model, each in a file or folder of
its own."""
