"""The commands of ``lockstep``, one family a file; what they need is imported when they run."""
