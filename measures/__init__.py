"""What a video shows: optical flow, the camera's move, how well frames agree, seams of windows.

Pure: it knows frames alone, h w 3 in 0..1, and nothing of models, sampling or training.
"""
