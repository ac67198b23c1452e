"""AnimateLCM-I2V: a picture becomes a video in few steps.

    encoder   what the picture's latent adds to the UNet, level by level
    read      the file: a motion model with an image encoder
    apply     both into the UNet

Wang et al. 2024, "AnimateLCM: Computation-Efficient Personalized Style Video Generation without
Personalized Video Data", arXiv:2402.00769; G-U-N/AnimateLCM, animatelcm_sd15.
"""
