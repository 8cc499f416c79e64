"""What is compared, measured and chosen, and the verdict on it."""
