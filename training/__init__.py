"""Training of AnimateDiff's three stages (Guo et al. 2024, section 4), as a library.

    clips -> cached latents -> batches -> denoising loss -> AdamW -> checkpoints -> a weights file

    stage 1  domain adapter   LoRA in the image model's attentions, on single frames
    stage 2  motion module    all of a motion model, on clips, the image model frozen
    stage 3  MotionLoRA       LoRA in the temporal attentions, on clips of one camera move

    data/     pixels and words -> latents and texts on disk
    models/   what is trained, and in what
    engine/   one step, and many
    run/      the two ways in: ComfyUI's queue, a terminal
    files/    writing that is whole or not at all, fingerprints

It knows the motion models and ComfyUI's classes, and nothing of nodes. Shapes: b clips, f frames,
c channels, h w latent map, t c text.
"""
