"""What the pages share: frame, address bar, caches, controls, figures and pictures."""
