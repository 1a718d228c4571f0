"""The rooms: one file each, thin; what they show is made in ``views``, what they do is a journey."""
