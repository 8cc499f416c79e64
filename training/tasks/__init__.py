"""What is asked of the documents: answers to questions, labels, fields, summaries."""
