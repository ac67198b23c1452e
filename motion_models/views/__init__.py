"""Views: one call of the UNet for all frames of a long video, with windows inside the motion module
alone.

    windows        the windows of a step, and attention blended over them
    frame_parts    a batch of whole videos, cut into parts of neighbouring frames
    spatial_parts  the UNet's own layers, run over those parts
    pixel_parts    a motion module, run over parts of the frames and parts of the pixels
"""
