"""CameraCtrl: the camera of an animation follows a path.

    path      where the camera stands in each frame; RealEstate10K's text format
    rays      the ray that each pixel looks along, as Plücker coordinates
    encoder   rays -> features for each level of the UNet
    read      the file: the encoder, and a linear layer for each motion module
    posed     what motion modules see of the features
    apply     both beside the motion models that are applied

He et al. 2024, "CameraCtrl: Enabling Camera Control for Text-to-Video Generation",
arXiv:2404.02101; hehao13/CameraCtrl, its release for AnimateDiff's v3.
"""
