"""What more training data would bring, from trainings on parts of what there is."""
