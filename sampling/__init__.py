"""Frames over time: what happens around the UNet while a video is sampled.

    windows fuse window_picture          which frames go through together, how they are joined
    handler apply_windows                the windows in ComfyUI's sampler
    conditioning controls frames         what belongs to a frame goes into its window
    betas free_noise free_init           noise schedules and initial noise
    few_steps entries                    warnings of what cannot work, before sampling starts
    prompt_schedule prompt_parts expressions foreign_syntax    prompts over frames, as text
    continuation                         a clip that goes on from its last frames
    prompt_travel easings                prompts that change over the frames, as embeddings
    moving_preview preview_sheet         all frames, seen while they are sampled
    values/                              strengths over frames, steps and pixels; audio
    views/                               windows inside the motion layers

Knows motion_models; knows nothing of nodes.
"""
