"""Live sound: where it comes from, whether it is fit to be scored, when to raise an alarm."""
