"""Files into documents, one file for each format."""
