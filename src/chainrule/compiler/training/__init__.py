"""Training as machine code: the optimiser's update, the loop over the steps, and `fit`."""
