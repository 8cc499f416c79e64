"""The making of the grounding adapter: what teaches a small model to answer from passages. Nothing else imports it."""
