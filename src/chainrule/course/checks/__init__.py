"""For each exercise: the known mistakes, each with an example that shows it, and the examples that a right answer must satisfy."""
