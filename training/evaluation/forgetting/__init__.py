"""Whether a tuned generator still answers general questions, without any documents."""
