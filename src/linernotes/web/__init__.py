"""Pages over the journeys: rendered here, a little script of our own, no build step, nothing from the network."""
