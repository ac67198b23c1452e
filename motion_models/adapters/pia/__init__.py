"""PIA: a picture becomes a video that keeps its look.

    read      the file: a motion model, and a first convolution that sees a picture and a mask
    affinity  how like the picture each frame shall be, which is the mask
    apply     both into the UNet

Zhang et al. 2024, "PIA: Your Personalized Image Animator via Plug-and-Play Modules in Text-to-Image
Models", arXiv:2312.13964; open-mmlab/PIA.
"""
