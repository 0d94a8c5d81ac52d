"""What trainings reach: the presets' own, short ones with one setting changed, and with the real codec in the loop."""
