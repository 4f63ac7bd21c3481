"""The `render` picture source: poses, clothes, props, grounds, cameras and captions of drawn scenes."""
