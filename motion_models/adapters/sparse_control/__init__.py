"""SparseCtrl: pictures or sketches of a few frames steer the whole video.

    placement  which frames the hint images are of, and which of them a window sees
    network    the encoder with motion modules
    control    the ControlNet that ComfyUI calls
    load       a weights file -> a control

Guo et al. 2024, "SparseCtrl: Adding Sparse Controls to Text-to-Video Diffusion Models",
arXiv:2311.16933; guoyww/AnimateDiff, sparse_controlnet.py.
"""
