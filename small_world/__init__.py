"""A world small enough to learn on two CPU cores: coloured shapes that move on plain grounds.

Its clips are drawn, so what is in them is known to the pixel; its models are Stable Diffusion 1.5
made small, 38 MiB in all, trained on nothing else. With them the pack shows real animation
without a download, and its claims are measured instead of believed.

    words.py        what there is, and how a caption says it
    shapes.py       distances to the outlines
    motions.py      where a thing is in each frame, and where the camera looks
    scene.py        one drawing, frame by frame
    styles.py       how it is drawn: plainly, in outline, in neon; and the video set's defect
    draw.py         seeded, endless draws of scenes
"""
