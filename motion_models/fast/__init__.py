"""The arithmetic of motion modules in another order, which takes less time and memory.

A name, the file that holds it:

    computes             fits.py      whether a module and a call are ones that it knows
    forward              forward.py   a motion module over a map, in parts that stay close
    Scratch              scratch.py   the parts' sizes, and memory that they share
    Weights              weights.py   the layers' weights, as ComfyUI casts them in this call
"""
