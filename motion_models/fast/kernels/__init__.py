"""A motion module's steps as Triton kernels, for half precision on NVIDIA's GPUs.

    KernelSteps          kernel_steps.py    the steps (steps.py), kernel by kernel
    entering, attending  products.py        linear layers with their norms, positions, GEGLU and
    gated, added                            residuals
    over_frames          attention.py       attention over the few frames of each pixel
    group_statistics     statistics.py      means and variances

Importing it imports Triton, so trial.py does it where a GPU is. What each kernel computes is said
in plain.py, by torch's operations; both are held to the reference.
"""
