"""Data that ships with the package: the bundled model. Holds no code."""
