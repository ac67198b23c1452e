"""The arithmetic of motion modules in another order, which takes less time and memory.

A name, the file that holds it:

    steps_for            trial.py       which steps compute a module here, if any
    Sample               agreement.py   whether they give what the module gives
    are_faster           speed.py       and whether in less time
    knows                fits.py        whether a module and a call are ones that they know
    forward              forward.py     a motion module over a map, in parts that stay close
    Steps, Pass          steps.py       the steps of a part, and what they share
    PlainSteps           plain.py       the steps by torch's operations
    kernels              kernels/       the steps by Triton kernels, for NVIDIA's GPUs
    Scratch              scratch.py     the parts' sizes, and memory that they share
    Weights              weights.py     the layers' weights, as ComfyUI casts them in this call
"""
