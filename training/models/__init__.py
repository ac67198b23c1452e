"""What is trained, and in what: private copies of the image model and the motion model, low-rank
pairs, the noise schedule, the denoiser that joins them.
"""
