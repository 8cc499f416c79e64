"""Examples files of several forms into examples, with every fault named."""
