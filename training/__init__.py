"""How the weights that are shipped were made; needs the data named in docs/synthetic.md."""
