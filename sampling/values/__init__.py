"""Values over frames, sampling steps and pixels, and where they come from.

keyframes    text -> keyframes, with line and column of what cannot be read
over_time    the value itself: what motion models, MotionLoRAs, adapters and ControlNets take
leaves       what it is made of: numbers, keyframes, lists, curves, masks
audio        loudness, onsets and bands of a sound, frame by frame
picture      what a value looks like over the frames
control      a ControlNet whose strength follows the frames
blend        two prompts blended frame by frame
"""
