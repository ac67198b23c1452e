"""The numerical truth: AnimateDiff's UNet written out in five dimensions, independent of the pack.

Plain functions over flat state dicts, after Guo et al., "AnimateDiff", ICLR 2024 (section 4.2 and
figure 4) and the authors' published code. Nothing of the pack or of ComfyUI is imported here.
Shape letters: b videos, f frames, c channels, h w latent height and width, n tokens, d width of
a token, k heads. A video is always `b c f h w`.
"""
