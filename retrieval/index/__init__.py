"""Index backends behind one protocol; the only place that imports a Qdrant package."""
