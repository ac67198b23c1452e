"""Files -> families -> temporal transformers -> into the UNet for one model call, and out again.

Knows torch and comfy; knows nothing of nodes, sampling schedules or training.

Shape letters used in this package: b videos in the UNet batch (cond and uncond count as two), f
frames of each, c channels, h w height and width of the feature map, n = h*w its pixels, l rows of
the position table.
"""
