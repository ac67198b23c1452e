"""Frames over time: noise schedules, and later windows, noise, prompts and strength.

Knows motion_models; knows nothing of nodes.
"""
