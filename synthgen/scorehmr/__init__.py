"""ScoreHMR (Stathopoulos, Han, Metaxas, CVPR 2024): bodies refined by a guided pose diffusion model."""
