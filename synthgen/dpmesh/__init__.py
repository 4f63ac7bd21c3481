"""DPMesh (Zhu et al., CVPR 2024): a diffusion U-Net as the one-step backbone of human mesh recovery."""
