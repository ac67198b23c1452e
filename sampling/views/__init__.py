"""What a sampling run needs for views (motion_models/views).

The windows of a step, where the feature maps of all frames are kept, ControlNets and GLIGEN for a
call with all frames.
"""
