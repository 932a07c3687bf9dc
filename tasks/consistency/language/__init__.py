"""Reading English prose: sentences, names, modes and who does what."""
