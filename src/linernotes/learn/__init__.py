"""Licensed models: music on paper as tokens, a model that learns from them, and what it makes.

What needs PyTorch (``pip install 'linernotes[models]'``) is in ``transformer``, ``training``, ``generator`` and
``adapter``.
"""
